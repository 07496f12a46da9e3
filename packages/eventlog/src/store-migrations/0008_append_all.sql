-- A cheaper append, which also notes categories and knows requests by their keys.

-- Checks and writes a batch of requests, all in one round trip. A request is one or more parts, each of one stream, and is
-- written whole or not at all; the others are not touched by its conflict. Streams are named once, by index in `names`,
-- sorted. `expected` of a part: a version, 0 for none; -1 for any; -2 for one that exists. Events stand in the order of their
-- parts; their data is one JSON array, which the server parses once, and so is their metadata (null: none has any).
-- `request_key` is null when no request has a key.
-- Answers by part: the version before its first event, or null where its request was refused or known, and the version
-- that was met; and the known requests, by number. Raises 40001 when a stream was written by a later transaction than this
-- one, or a key by another at the same time: begin again in a fresh one.
create function :"schema".append_all(
  names text[], category_names text[],
  part_request int[], part_stream int[], part_expected bigint[], part_count int[],
  event_part int[], event_id uuid[], event_type text[], event_schema int[], event_data jsonb, event_metadata jsonb,
  request_key text[], request_digest bytea[],
  out starts bigint[], out actual bigint[], out xid text, out last_position bigint, out known jsonb
) language plpgsql
-- One plan for all calls, whatever the statistics say: planning anew would cost more than the rest of a small append.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  found_version bigint[];
  versions bigint[];
  there boolean[];
  changed boolean[];
  -- Events before those of each part.
  before_part int[] := array_fill(0, array[cardinality(part_stream)]);
  nowhere constant boolean[] := array_fill(false, array[cardinality(names)]);
  highest xid8;
  me xid8;
  moment timestamptz;
  missing int;
  existing int;
  made int;
  part int;
  last_part int;
  stream int;
  accepted boolean;
  r record;
begin
  for i in 2 .. cardinality(part_stream) loop
    before_part[i] := before_part[i - 1] + part_count[i - 1];
  end loop;

  -- Once, unless somebody else makes one of the streams at the same time.
  loop
    found_version := array_fill(0::bigint, array[cardinality(names)]);
    there := nowhere;
    changed := nowhere;
    highest := '0';
    missing := 0;
    existing := 0;
    -- Locking takes no number of a transaction while it waits, so who comes second gets the higher one.
    for r in
      select n.i, s.version, s.last_xid from unnest(names) with ordinality n(name, i)
      join :"schema".streams s on s.stream = n.name order by n.i for update of s
    loop
      found_version[r.i] := r.version;
      there[r.i] := true;
      highest := greatest(highest, r.last_xid);
    end loop;
    -- Behind the locks: a first try of the same request is over by now.
    if request_key is not null then known := :"schema".known_requests(request_key); end if;

    versions := found_version;
    starts := array_fill(null::bigint, array[cardinality(part_stream)]);
    actual := starts;
    part := 1;
    while part <= cardinality(part_stream) loop
      last_part := part;
      accepted := known is null or not known ? part_request[part]::text;
      while last_part <= cardinality(part_stream) and part_request[last_part] = part_request[part] loop
        actual[last_part] := versions[part_stream[last_part]];
        accepted := accepted and case part_expected[last_part]
          when -1 then true
          when -2 then actual[last_part] > 0
          else actual[last_part] = part_expected[last_part]
        end;
        last_part := last_part + 1;
      end loop;
      while part < last_part loop
        if accepted then
          stream := part_stream[part];
          starts[part] := actual[part];
          versions[stream] := actual[part] + part_count[part];
          if not changed[stream] then
            changed[stream] := true;
            if there[stream] then existing := existing + 1; else missing := missing + 1; end if;
          end if;
        end if;
        part := part + 1;
      end loop;
    end loop;
    if missing + existing = 0 then return; end if;

    me := pg_current_xact_id();
    if highest > me then
      raise exception 'a stream was written by a later transaction than this one; begin again in a fresh one'
        using errcode = '40001', constraint = 'stream_fence';
    end if;
    exit when missing = 0;
    insert into :"schema".streams (stream, version, last_xid)
    select n.name, n.version, me from unnest(names, versions, changed, there) n(name, version, changed, there)
    where n.changed and not n.there
    on conflict do nothing;
    get diagnostics made = row_count;
    exit when made = missing;
    -- Others were faster with some of them: those are looked at again, and so is what depends on them.
    delete from :"schema".streams s using unnest(names, there) n(name, there)
    where s.stream = n.name and not n.there and s.last_xid = me;
  end loop;

  if existing > 0 then
    update :"schema".streams s set version = n.version, last_xid = me
    from unnest(names, versions, changed, there) n(name, version, changed, there)
    where s.stream = n.name and n.changed and n.there;
  end if;
  insert into :"schema".categories (category, xid) select c, me from unnest(category_names) c on conflict do nothing;

  moment := date_trunc('milliseconds', clock_timestamp());
  insert into :"schema".events (stream, version, xid, id, type, schema_version, recorded_at, data, metadata)
  select names[part_stream[e.part]], starts[e.part] + e.nth - before_part[e.part], me, e.id, e.type, e.schema, moment,
    e.data, nullif(e.metadata, 'null')
  from rows from (
    unnest(event_part, event_id, event_type, event_schema),
    jsonb_array_elements(event_data),
    jsonb_array_elements(event_metadata)
  ) with ordinality e(part, id, type, schema, data, metadata, nth)
  where starts[e.part] is not null;
  xid := me::text;
  last_position := currval(':"schema".events_position_seq');
  if request_key is not null then
    perform :"schema".remember_requests(request_key, request_digest, part_request, part_count, starts, me, last_position, moment);
  end if;
end
$$;

-- For programs of the version before, until they have ended: what they write has to be found by its category, too.
create or replace function :"schema".append(
  names text[], creatable boolean[],
  part_request int[], part_stream int[], part_expected bigint[], part_count int[],
  event_part int[], event_nth int[], event_id uuid[], event_type text[], event_schema int[], event_data text[],
  event_metadata text[],
  out starts bigint[], out actual bigint[], out xid text, out last_position bigint
) language sql as $$
  select a.starts, a.actual, a.xid, a.last_position from :"schema".append_all(
    names, array(select distinct split_part(n, '/', 1) from unnest(names) n),
    part_request, part_stream, part_expected, part_count, event_part, event_id, event_type, event_schema,
    ('[' || array_to_string(event_data, ',') || ']')::jsonb,
    ('[' || array_to_string(event_metadata, ',', 'null') || ']')::jsonb,
    null, null) a
$$;
