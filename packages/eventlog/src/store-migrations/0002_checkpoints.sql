-- Where each subscriber is. Moved by compare-and-set, in the transaction of what it changed.
create table :"schema".checkpoints (
  name     text collate "C" primary key,
  xid      xid8 not null,
  position bigint not null,
  moved_at timestamptz not null default now()
);
