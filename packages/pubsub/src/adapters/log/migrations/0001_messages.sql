-- Topics in the database: what was published, in order by partition, until it is trimmed.
create schema if not exists :"schema";

create table :"schema".topics (
  topic      int generated always as identity primary key,
  name       text collate "C" not null unique,
  partitions int not null check (partitions between 1 and 1024)
);

create table :"schema".messages (
  -- Global order: (xid, position), read below the horizon, so that a late committer is never skipped.
  xid          xid8 not null default pg_current_xact_id(),
  position     bigint generated always as identity,
  topic        int not null,
  partition    int not null,
  id           text collate "C" not null,
  key          text collate "C",
  published_at timestamptz not null default clock_timestamp(),
  -- CloudEvents attributes and headers, a JSON array of the two. Text: nothing here asks inside.
  about        text not null,
  -- The data, as text where it is text; else as bytes.
  words        text,
  bytes        bytea,
  primary key (topic, id)
);
create index messages_in_order on :"schema".messages (topic, partition, xid, position);
create index messages_by_time on :"schema".messages using brin (published_at);
