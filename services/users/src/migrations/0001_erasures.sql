-- What is kept beside the events: receipts of erasures, and a sign of the master key.
create table users.erasures (
  user_id    text collate "C" primary key,
  erased_at  timestamptz not null,
  -- Null while the scan runs, and for good when it was cut off.
  scanned_at timestamptz,
  -- What was looked through and found. Nothing personal is in it.
  scan       jsonb
);

-- A sign that only the master key makes: another key would open nothing, and is refused at the start.
create table users.master_key (
  one  boolean primary key default true check (one),
  sign bytea not null
);
