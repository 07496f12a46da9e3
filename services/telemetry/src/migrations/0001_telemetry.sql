create schema telemetry;

create table telemetry.projects (
  name       text collate "C" primary key,
  created_at timestamptz not null default now()
);

-- A key is shown once and kept as a hash. 256 random bits need no slow hash.
create table telemetry.keys (
  id         text collate "C" primary key,
  project    text collate "C" not null references telemetry.projects,
  hash       bytea not null,
  backfill   boolean not null default false,
  created_at timestamptz not null default now(),
  revoked_at timestamptz
);

-- The current state of each session: a fold of its events, kept in the transaction that appends them.
create table telemetry.sessions (
  id          uuid not null,
  project     text collate "C" not null,
  user_id     text collate "C" not null,
  started_at  timestamptz not null,
  last_at     timestamptz not null,
  -- Time of the latest session.end. The session is over while nothing happened after it.
  ended_at    timestamptz,
  tier        text collate "C" not null,
  region      text collate "C" not null,
  flags       jsonb,
  enrichment  text collate "C" not null check (enrichment in ('known', 'absent', 'unknown')),
  events      int not null,
  deleted_at  timestamptz,
  primary key (id, project)
) with (fillfactor = 80);

-- What is still to be asked for; empty while the metadata API is well.
create index sessions_unknown on telemetry.sessions (id) where enrichment = 'unknown' and deleted_at is null;

-- The books, per project and minute of receipt. received = accepted + duplicate + rejected + quarantined.
create table telemetry.ledger (
  project     text collate "C" not null,
  minute      timestamptz not null,
  received    bigint not null,
  accepted    bigint not null,
  duplicate   bigint not null,
  rejected    bigint not null,
  quarantined bigint not null,
  primary key (project, minute),
  constraint ledger_balances check (received = accepted + duplicate + rejected + quarantined)
);

-- Whole requests refused, by problem code. They are not events, so they are not in the ledger.
create table telemetry.refused (
  project text collate "C" not null,
  code    text collate "C" not null,
  count   bigint not null,
  primary key (project, code)
);

-- The first answer to a request with an Idempotency-Key, under the event id that follows from the key.
create table telemetry.answers (
  id         uuid not null,
  project    text collate "C" not null,
  answer     jsonb not null,
  created_at timestamptz not null default now(),
  primary key (id, project)
);
