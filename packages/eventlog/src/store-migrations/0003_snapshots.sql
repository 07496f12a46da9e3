-- States that save folding a stream from its first event. A cache: what is stale or cannot be read is not used.
create table :"schema".snapshots (
  stream   text collate "C" not null,
  -- Whose state it is: a stream may be folded by several deciders.
  name     text collate "C" not null,
  -- Of the state's shape, and of the upcasters it was folded with.
  shape    text collate "C" not null,
  version  bigint not null,
  taken_at timestamptz not null,
  state    jsonb not null,
  -- Whose personal data is sealed in it.
  subjects text[] not null default '{}',
  primary key (stream, name)
);
