-- What is known of registered users, folded from their events; and how far these were followed.
create schema metadata;

create table metadata.users (
  user_id text collate "C" primary key,
  -- Of the last event in it: what comes again changes nothing.
  version bigint not null,
  -- All three are null once the user is deleted or erased: known to have no metadata.
  tier    text collate "C",
  region  text collate "C",
  flags   jsonb,
  constraint all_or_nothing check (num_nulls(tier, region, flags) in (0, 3))
) with (fillfactor = 80);

-- Moves in the transaction that changes the rows.
create table metadata.followed (
  one    boolean primary key default true check (one),
  cursor text collate "C" not null
);
