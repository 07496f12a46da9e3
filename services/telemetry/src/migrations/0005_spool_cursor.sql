-- How far each spool has been drained, moved in the transaction that writes what was in it. A row is one directory: the
-- name is in a file beside the segments, so that an emptied directory is another spool.
create table telemetry.spool_cursors (
  spool    uuid primary key,
  sequence bigint not null default 0,
  moved_at timestamptz not null default now()
);
