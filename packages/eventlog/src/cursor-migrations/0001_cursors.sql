create schema eventlog_cursors;

-- Lives in the consumer's own store: the cursor moves in the transaction that applies what it passed.
create table eventlog_cursors.cursors (
  name     text primary key,
  xid      xid8 not null,
  position bigint not null,
  moved_at timestamptz not null default now()
);
