-- One key a person, wrapped by a master key that is kept elsewhere. Destroying it makes what it sealed unreadable.
create table :"schema".subject_keys (
  subject      text collate "C" primary key,
  wrapped      bytea,
  created_at   timestamptz not null default now(),
  destroyed_at timestamptz,
  constraint one_or_the_other check ((wrapped is null) = (destroyed_at is not null))
);
