-- Requests that were given a key, and what became of them, so that a retry is recognised.
create table :"schema".append_keys (
  key         text collate "C" primary key,
  -- Of what was to be appended: tells a retry from another request under the same key.
  digest      bytea not null,
  -- By part, in its order: the version before its first event, and that of its last.
  starts      bigint[] not null,
  versions    bigint[] not null,
  xid         xid8 not null,
  position    bigint not null,
  recorded_at timestamptz not null
);
-- Small: for forgetting the old ones.
create index append_keys_by_time on :"schema".append_keys using brin (recorded_at);

create function :"schema".known_requests(request_key text[]) returns jsonb language sql stable as $$
  select jsonb_object_agg(r.request - 1, jsonb_build_object('digest', encode(k.digest, 'hex'), 'starts', k.starts,
    'versions', k.versions, 'xid', k.xid::text, 'position', k.position))
  from unnest(request_key) with ordinality r(key, request) join :"schema".append_keys k on k.key = r.key
$$;

create function :"schema".remember_requests(
  request_key text[], request_digest bytea[], part_request int[], part_count int[], starts bigint[],
  me xid8, last_position bigint, moment timestamptz
) returns void language plpgsql as $$
declare
  wanted int;
  kept int;
begin
  with written as (
    select p.request, array_agg(p.start order by p.part) as starts, array_agg(p.start + p.count order by p.part) as versions
    from unnest(part_request, part_count, starts) with ordinality p(request, count, start, part)
    where p.start is not null and request_key[p.request + 1] is not null
    group by p.request
  ), insertion as (
    insert into :"schema".append_keys
    select request_key[w.request + 1], request_digest[w.request + 1], w.starts, w.versions, me, last_position, moment
    from written w on conflict do nothing returning 1
  )
  select (select count(*) from written), (select count(*) from insertion) into wanted, kept;
  if kept < wanted then
    raise exception 'another request with the same key is being written; begin again in a fresh transaction'
      using errcode = '40001', constraint = 'append_key';
  end if;
end
$$;
