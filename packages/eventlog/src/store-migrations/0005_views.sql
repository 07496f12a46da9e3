-- Read models, each in generations: one that readers see, and at times one that is built beside it.
create table :"schema".views (
  name text collate "C" primary key,
  -- The generation that readers see.
  live int not null
);

create table :"schema".view_generations (
  name             text collate "C" not null,
  generation       int not null,
  -- Applied up to here. Moves in the transaction that applies.
  xid              xid8 not null default '0',
  position         bigint not null default 0,
  applied          bigint not null default 0,
  -- Effects are for events behind this place only: what is before it was done, or is history.
  effects_xid      xid8 not null,
  effects_position bigint not null,
  -- Whose turn it is. A fence is never given twice, and is asked for in each step's own transaction.
  owner            text,
  fence            bigint not null default 0,
  leased_until     timestamptz not null default '-infinity',
  primary key (name, generation)
);

-- Events that a view could not take, and those of the same key behind them, in order.
create table :"schema".parked (
  name       text collate "C" not null,
  generation int not null,
  key        text collate "C" not null,
  xid        xid8 not null,
  position   bigint not null,
  -- What was wrong with the first of a key; null for one that only waits behind it.
  error      text,
  parked_at  timestamptz not null default now(),
  primary key (name, generation, key, xid, position)
);
