create schema analytics;

-- Read models: sums and mergeable sketches by hour ('h') and day ('d'), so that a long range reads few rows. Every row is
-- a sum over log entries, so replaying the log from the start gives the same rows.

-- Sessions by when they started.
create table analytics.session_stats (
  project  text collate "C" not null,
  width    "char" not null,
  bucket   timestamptz not null,
  tier     text collate "C" not null,
  region   text collate "C" not null,
  sessions bigint not null,
  primary key (project, width, bucket, tier, region)
);

-- Sessions by when they were last active: by minute ('m') and hour. A session moves from row to row as it goes on.
create table analytics.session_activity (
  project  text collate "C" not null,
  width    "char" not null,
  bucket   timestamptz not null,
  tier     text collate "C" not null,
  region   text collate "C" not null,
  sessions bigint not null,
  open     bigint not null,
  primary key (project, width, bucket, tier, region)
);

-- Feature uses. Region '*' is all regions, kept beside the parts because most questions have no filter.
create table analytics.feature_stats (
  project       text collate "C" not null,
  width         "char" not null,
  bucket        timestamptz not null,
  region        text collate "C" not null,
  feature       text collate "C" not null,
  uses          bigint not null,
  client_errors bigint not null,
  server_errors bigint not null,
  latency       bytea not null,
  users         bytea not null,
  primary key (project, width, region, bucket, feature)
);

-- All uses together, and everybody who was there.
create table analytics.use_stats (
  project       text collate "C" not null,
  width         "char" not null,
  bucket        timestamptz not null,
  region        text collate "C" not null,
  uses          bigint not null,
  client_errors bigint not null,
  server_errors bigint not null,
  status_1xx    bigint not null,
  status_2xx    bigint not null,
  status_3xx    bigint not null,
  status_4xx    bigint not null,
  status_5xx    bigint not null,
  latency       bytea not null,
  users         bytea not null,
  primary key (project, width, region, bucket)
);

create table analytics.projects (
  project     text collate "C" primary key,
  -- Entries that were received (not those the system wrote by itself): the ledger's "counted".
  counted     bigint not null,
  sessions    bigint not null,
  first_event timestamptz not null,
  last_event  timestamptz not null
);

-- Names met so far; beyond a bound a new one is counted as '(other)'.
create table analytics.features (
  project text collate "C" not null,
  feature text collate "C" not null,
  primary key (project, feature)
);
