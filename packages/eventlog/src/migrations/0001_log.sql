create schema eventlog;

-- The log: what happened, once, in an order that never changes. One unique key decides what is a duplicate.
create table eventlog.entries (
  position    bigint generated always as identity,
  -- The writing transaction. Readers go by (xid, position) below the horizon, so a late committer is never skipped.
  xid         xid8 not null default pg_current_xact_id(),
  tenant      text collate "C" not null,
  id          uuid not null,
  type        text collate "C" not null,
  time        timestamptz not null,
  recorded_at timestamptz not null default clock_timestamp(),
  stream      uuid,
  subject     text collate "C",
  -- First 64 bits of the SHA-256 of the canonical body: tells a resend from another event under the same id.
  digest      bigint not null,
  data        jsonb,
  -- What the entry did to its stream: [before, after], either null. Read models add after and take away before.
  change      jsonb,
  constraint entries_once primary key (id, tenant)
);

create index entries_in_order on eventlog.entries (xid, position);
