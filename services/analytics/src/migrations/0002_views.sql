-- Views are declared in the code. Which version of each is live, and which is being built beside it, is told here.

create table analytics.views (
  name     text collate "C" not null,
  -- False for one that is being built: its tables are the live ones' names with _next behind.
  live     boolean not null,
  version  int not null,
  -- Its rows hold everything up to here, whatever the cursor of the step says: it was built further than that.
  xid      xid8 not null default '0',
  position bigint not null default 0,
  -- Since when nothing more is added to its live rows, because their declaration is gone; null while they are kept up.
  frozen_at timestamptz,
  primary key (name, live)
);

-- What a refresh that is not part of a step came to, and what it cost.
create table analytics.refreshes (
  name     text collate "C" primary key,
  as_of    timestamptz not null,
  xid      xid8 not null,
  position bigint not null,
  took_ms  double precision not null,
  rows     bigint not null
);

-- Each writer has rows of its own, and readers add them up: two writers never wait for one row.
alter table analytics.session_stats add column part smallint not null default 0,
  drop constraint session_stats_pkey, add primary key (project, width, bucket, tier, region, part);
alter table analytics.session_activity add column part smallint not null default 0,
  drop constraint session_activity_pkey, add primary key (project, width, bucket, tier, region, part);
alter table analytics.feature_stats add column part smallint not null default 0,
  drop constraint feature_stats_pkey, add primary key (project, width, region, bucket, feature, part);
alter table analytics.use_stats add column part smallint not null default 0,
  drop constraint use_stats_pkey, add primary key (project, width, region, bucket, part);
alter table analytics.projects add column part smallint not null default 0,
  drop constraint projects_pkey, add primary key (project, part);

insert into analytics.views (name, live, version)
  select name, true, 1 from unnest(array['session_stats', 'session_activity', 'feature_stats', 'use_stats', 'projects']) as name;
