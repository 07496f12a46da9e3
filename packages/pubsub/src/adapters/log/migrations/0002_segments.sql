-- Messages are kept in segments: those of one commit and one partition share a row, its header and its place in the index.
create table :"schema".segments (
  -- Global order: (xid, position), read below the horizon, so that a late committer is never skipped.
  xid          xid8 not null default pg_current_xact_id(),
  position     bigint generated always as identity,
  topic        int not null,
  partition    int not null,
  published_at timestamptz not null default clock_timestamp(),
  -- Places in it: from `first` (those before were trimmed) up to, and without, `until`.
  first        int not null default 0,
  until        int not null,
  -- Of the body, about: so that a reader takes no more than it can keep.
  bytes        int not null,
  -- The first and the last id among those that were made by publish itself, and are in no row of `ids`.
  made_from    uuid,
  made_to      uuid,
  body         text not null,
  primary key (topic, partition, xid, position)
);
-- Compressing costs the server more than it saves; see docs/decisions/0023-segments.md.
alter table :"schema".segments alter column body set storage external;
create index segments_by_time on :"schema".segments using brin (published_at);
create index segments_made on :"schema".segments (topic, made_to) where made_to is not null;

-- Ids that publishers gave. One that is here is not published again.
create table :"schema".ids (
  topic int not null,
  id    text collate "C" not null,
  primary key (topic, id)
);

insert into :"schema".ids (topic, id) select topic, id from :"schema".messages;

insert into :"schema".segments (xid, position, topic, partition, published_at, until, bytes, body) overriding system value
select xid, position, topic, partition, published_at, 1, octet_length(body), body from (
  select m.*, '[{},[[' || to_json(id)::text || ',' || coalesce(to_json(key)::text, 'null') || ','
    || coalesce(to_json(words)::text, '["' || replace(encode(bytes, 'base64'), E'\n', '') || '"]')
    || ',' || (about::json -> 0)::text || ',' || (about::json -> 1)::text || ']]]' as body
  from :"schema".messages m) old;

select setval(pg_get_serial_sequence(':"schema".segments', 'position'), coalesce(max(position), 0) + 1, false)
from :"schema".segments;

drop table :"schema".messages;
