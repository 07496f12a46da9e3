-- One row a key: first a lease, then the answer, kept until it is past its time.
create schema idempotency;

create sequence idempotency.fences;

create table idempotency.records (
  tenant       text collate "C" not null,
  route        text collate "C" not null,
  key          text collate "C" not null,
  -- What tells a retry from another request; null when the key was released and is free.
  fingerprint  text collate "C",
  -- Whose turn it is. Never given twice.
  fence        bigint not null,
  attempt      int not null,
  reserved_at  timestamptz not null,
  leased_until timestamptz not null,
  expires_at   timestamptz not null,
  -- The answer; null while it runs.
  status       int,
  headers      jsonb,
  body         bytea,
  constraint records_once primary key (tenant, route, key)
);

create index records_by_expiry on idempotency.records (expires_at);
