-- A store of event streams in a schema that its owner names: what happened to each thing, in its order.
create schema if not exists :"schema";

create table :"schema".streams (
  stream   text collate "C" primary key,
  -- Of the last event. 0 while there is none.
  version  bigint not null,
  -- The transaction that wrote last. An append needs a higher one, so no stream inverts in the global order.
  last_xid xid8 not null
) with (fillfactor = 80);

create table :"schema".events (
  -- Global order: (xid, position), read below the horizon, so a late committer is never skipped.
  xid            xid8 not null,
  position       bigint generated always as identity,
  stream         text collate "C" not null,
  version        bigint not null,
  id             uuid not null,
  type           text collate "C" not null,
  -- Of the shape of the data: what upcasters start from.
  schema_version int not null,
  -- In whole milliseconds, so that it survives a trip through a Date.
  recorded_at    timestamptz not null,
  data           jsonb not null,
  -- Correlation, causation, actor, traceparent.
  metadata       jsonb,
  primary key (stream, version)
);

create index events_in_order on :"schema".events (xid, position);
-- Small: for finding where a moment is in the log.
create index events_by_time on :"schema".events using brin (recorded_at);

-- Checks and writes a batch of requests, all in one round trip. A request is one or more parts, each of one stream, and is
-- written whole or not at all; the others are not touched by its conflict. Streams are named once, by index in `names`.
-- `expected` of a part: a version, 0 for none; -1 for any; -2 for one that exists.
-- Answers by part: the version before its first event, or null where its request was refused, and the version that was
-- met. Raises 40001 when a stream was written by a later transaction than this one: begin again in a fresh one.
create function :"schema".append(
  names text[], creatable boolean[],
  part_request int[], part_stream int[], part_expected bigint[], part_count int[],
  event_part int[], event_nth int[], event_id uuid[], event_type text[], event_schema int[], event_data text[],
  event_metadata text[],
  out starts bigint[], out actual bigint[], out xid text, out last_position bigint
) language plpgsql as $$
#variable_conflict use_column
declare
  versions bigint[] := array_fill(null::bigint, array[cardinality(names)]);
  changed boolean[] := array_fill(false, array[cardinality(names)]);
  highest xid8 := '0';
  me xid8;
  moment timestamptz;
  found_streams int := 0;
  part int := 1;
  last_part int;
  accepted boolean;
  any_accepted boolean := false;
  r record;
begin
  -- Locking takes no number of a transaction while it waits, so who comes second gets the higher one.
  for r in
    select n.i, s.version, s.last_xid from unnest(names) with ordinality n(name, i)
    join :"schema".streams s on s.stream = n.name order by n.i for update of s
  loop
    versions[r.i] := r.version;
    highest := greatest(highest, r.last_xid);
    found_streams := found_streams + 1;
  end loop;
  if found_streams < cardinality(names) and true = any(creatable) then
    insert into :"schema".streams (stream, version, last_xid)
    select n.name, 0, '0' from unnest(names, creatable) with ordinality n(name, creatable, i)
    where n.creatable and versions[n.i] is null order by n.i
    on conflict do nothing;
    for r in
      select n.i, s.version, s.last_xid from unnest(names, creatable) with ordinality n(name, creatable, i)
      join :"schema".streams s on s.stream = n.name
      where n.creatable and versions[n.i] is null order by n.i for update of s
    loop
      versions[r.i] := r.version;
      highest := greatest(highest, r.last_xid);
    end loop;
  end if;

  me := pg_current_xact_id();
  moment := date_trunc('milliseconds', clock_timestamp());
  if highest > me then
    raise exception 'a stream was written by a later transaction than this one; begin again in a fresh one'
      using errcode = '40001', constraint = 'stream_fence';
  end if;

  starts := array_fill(null::bigint, array[cardinality(part_stream)]);
  actual := starts;
  while part <= cardinality(part_stream) loop
    last_part := part;
    accepted := true;
    while last_part <= cardinality(part_stream) and part_request[last_part] = part_request[part] loop
      actual[last_part] := coalesce(versions[part_stream[last_part]], 0);
      accepted := accepted and case part_expected[last_part]
        when -1 then true
        when -2 then actual[last_part] > 0
        else actual[last_part] = part_expected[last_part]
      end;
      last_part := last_part + 1;
    end loop;
    while part < last_part loop
      if accepted then
        any_accepted := true;
        starts[part] := actual[part];
        versions[part_stream[part]] := actual[part] + part_count[part];
        changed[part_stream[part]] := true;
      end if;
      part := part + 1;
    end loop;
  end loop;
  xid := me::text;
  if not any_accepted then return; end if;

  update :"schema".streams s set version = n.version, last_xid = me
  from unnest(names, versions, changed) n(name, version, changed)
  where s.stream = n.name and n.changed;

  insert into :"schema".events (stream, version, xid, id, type, schema_version, recorded_at, data, metadata)
  select names[part_stream[e.part]], starts[e.part] + e.nth, me, e.id, e.type, e.schema, moment,
    e.data::jsonb, e.metadata::jsonb
  from unnest(event_part, event_nth, event_id, event_type, event_schema, event_data, event_metadata)
    e(part, nth, id, type, schema, data, metadata)
  where starts[e.part] is not null;
  last_position := currval(':"schema".events_position_seq');
end
$$;
