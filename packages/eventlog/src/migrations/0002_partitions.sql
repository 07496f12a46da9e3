-- One index over all ids grows for ever, and none of it can be let go. So the log is cut by the time inside the id,
-- which no resend can change: a resend meets its own key, and an old partition goes whole, keys and all.

-- The bucket of an id: the first 16 of the 48 bits of time in a version 7 (49.7 days each), -1 for ids of other kinds.
create function eventlog.bucket_of(id uuid) returns int language sql immutable strict parallel safe as
  $$ select case when substr(id::text, 15, 1) = '7' then ('x' || left(id::text, 4))::bit(16)::int else -1 end $$;

create table eventlog.partitions (bucket int primary key, made_at timestamptz not null default clock_timestamp());

alter table eventlog.entries rename to entries_before;
alter table eventlog.entries_before rename constraint entries_once to entries_before_once;
alter index eventlog.entries_in_order rename to entries_before_in_order;
alter table eventlog.entries_before alter column position drop identity;
create sequence eventlog.entries_position_seq;

create table eventlog.entries (
  bucket      int not null,
  position    bigint not null default nextval('eventlog.entries_position_seq'),
  -- The writing transaction. Readers go by (xid, position) below the horizon, so a late committer is never skipped.
  xid         xid8 not null default pg_current_xact_id(),
  tenant      text collate "C" not null,
  id          uuid not null,
  type        text collate "C" not null,
  time        timestamptz not null,
  recorded_at timestamptz not null default clock_timestamp(),
  stream      uuid,
  subject     text collate "C",
  -- 64 bits of the canonical body: tells a resend from another event under the same id.
  digest      bigint not null,
  data        jsonb,
  -- What the entry did to its stream: [before, after], either null. Read models add after and take away before.
  change      jsonb,
  -- A key of a partitioned table must have the bucket in it. It follows from the id, so the key says no more than before.
  constraint entries_once primary key (id, tenant, bucket)
) partition by range (bucket);
create index entries_in_order on eventlog.entries (xid, position);
alter sequence eventlog.entries_position_seq owned by eventlog.entries.position;

-- What has no partition of its own, as ids of a client whose clock is months ahead: few.
create table eventlog.entries_stray partition of eventlog.entries default;

-- Makes the partition of a bucket, and moves to it what has strayed.
create function eventlog.add_partition(bucket int) returns void language plpgsql as $$
begin
  alter table eventlog.entries detach partition eventlog.entries_stray;
  execute format('create table eventlog.entries_%1$s partition of eventlog.entries for values from (%1$s) to (%2$s)',
    bucket, bucket + 1);
  with strayed as (delete from eventlog.entries_stray s where s.bucket = add_partition.bucket returning *)
    insert into eventlog.entries select * from strayed;
  alter table eventlog.entries attach partition eventlog.entries_stray default;
  insert into eventlog.partitions (bucket) values (add_partition.bucket);
end $$;

-- Ids of other kinds, and of what was long ago when this log began: never dropped.
do $$
declare
  day    constant bigint := 86400000;
  width  constant bigint := 4294967296;
  now_ms constant bigint := extract(epoch from clock_timestamp()) * 1000;
  first  constant int := (now_ms - 35 * day) / width;
begin
  execute format(
    'create table eventlog.entries_other partition of eventlog.entries for values from (minvalue) to (%s)', first);
  for bucket in first .. (now_ms / width)::int loop
    perform eventlog.add_partition(bucket);
  end loop;
end $$;

insert into eventlog.entries
  select eventlog.bucket_of(id), position, xid, tenant, id, type, time, recorded_at, stream, subject, digest, data, change
  from eventlog.entries_before;
select setval('eventlog.entries_position_seq', max(position)) from eventlog.entries_before having max(position) is not null;
drop table eventlog.entries_before;
