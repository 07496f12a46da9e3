-- The activity of each user, and how far somebody has read it.
create schema feed;

create table feed.items (
  user_id text collate "C" not null,
  at      timestamptz not null,
  -- Of the session, or of the event of the user.
  id      uuid not null,
  project text collate "C",
  kind    text collate "C" not null,
  detail  jsonb,
  -- 1 where it was put there, -1 where it was taken away again. It is shown while they add up to more than nothing: so the order
  -- in which the entries of one session come changes nothing, and rows are only added.
  n       smallint not null,
  -- In the order in which it came here: what is unread is told by this, not by when it happened.
  arrived bigint generated always as identity
);
create index items_by_user on feed.items (user_id, at desc, id desc);

create table feed.readers (
  user_id text collate "C" primary key,
  through bigint not null
) with (fillfactor = 50);

-- Who was deleted or erased. Nothing is kept of them any more; an id is used once.
create table feed.gone (user_id text collate "C" primary key);

-- Where in what happened to users this is. One row.
create table feed.users_cursor (one boolean primary key default true check (one), cursor text);
insert into feed.users_cursor default values;
