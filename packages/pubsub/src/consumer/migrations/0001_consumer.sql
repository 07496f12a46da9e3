-- What a consumer keeps beside its own tables: whose turn it is, what was handled, and what waits behind a failure.
create schema if not exists :"schema";

create table :"schema".members (
  topic      text collate "C" not null,
  grp        text collate "C" not null,
  member     uuid not null,
  seen_until timestamptz not null,
  primary key (topic, grp, member)
);

create table :"schema".partitions (
  topic             text collate "C" not null,
  grp               text collate "C" not null,
  partition         int not null,
  -- Null when it was given back in order. One that is not null and past its time belonged to a consumer that died.
  owner             uuid,
  leased_until      timestamptz not null default '-infinity',
  -- Goes up with each owner and each replay. Asked for in the transaction of every step.
  fence             bigint not null default 0,
  -- Handled or parked up to here. Null: from the beginning, or the broker keeps it.
  position          text collate "C",
  -- Goes up with each replay: what was handled before is handled again.
  generation        int not null default 0,
  handled           bigint not null default 0,
  -- The message that is tried after a consumer's death, and how often it was begun.
  suspect           text collate "C",
  suspect_attempts  int not null default 0,
  primary key (topic, grp, partition)
) with (fillfactor = 50);

-- Ids that were handled. In the transaction of what was done with them.
create table :"schema".inbox (
  topic      text collate "C" not null,
  grp        text collate "C" not null,
  generation int not null,
  id         text collate "C" not null,
  handled_at timestamptz not null default now(),
  primary key (topic, grp, generation, id)
);
create index inbox_by_time on :"schema".inbox using brin (handled_at);

-- Messages whose handling failed, and all that came behind them in their lane, in order. A lane is a key; a message without
-- one is a lane by itself.
create table :"schema".parked (
  number       bigint generated always as identity primary key,
  topic        text collate "C" not null,
  grp          text collate "C" not null,
  partition    int not null,
  lane         text collate "C" not null,
  -- `waiting` behind another, `retrying` at due_at, `dead` until somebody decides, `discarded` by somebody.
  state        text not null check (state in ('waiting', 'retrying', 'dead', 'discarded')),
  id           text collate "C" not null,
  key          text collate "C",
  position     text collate "C",
  attributes   jsonb not null,
  headers      jsonb not null,
  data         bytea not null,
  published_at timestamptz not null,
  parked_at    timestamptz not null default now(),
  attempts     int not null,
  due_at       timestamptz,
  error        text,
  error_code   text
);
create index parked_lanes on :"schema".parked (topic, grp, partition, lane, number) where state <> 'discarded';
create index parked_due on :"schema".parked (topic, grp, partition, due_at) where state = 'retrying';
create index parked_dead on :"schema".parked (topic, grp, number) where state in ('dead', 'discarded');

-- What people did with dead letters, and why.
create table :"schema".parked_notes (
  number      bigint not null,
  noted_at    timestamptz not null default clock_timestamp(),
  action      text not null,
  note        text not null,
  data_before bytea
);
create index parked_notes_of on :"schema".parked_notes (number, noted_at);
