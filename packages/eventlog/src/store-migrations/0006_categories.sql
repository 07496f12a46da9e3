-- Makes a category cheap to follow: in which transactions something of it was written. A row a transaction and category, and no
-- index over all events.
create table :"schema".categories (
  category text collate "C" not null,
  xid      xid8 not null,
  primary key (category, xid)
);
-- Everything before this place is seen by the next statement; what others write meanwhile is for 0009. No category has a slash.
insert into :"schema".categories values ('/since', pg_snapshot_xmin(pg_current_snapshot()));
insert into :"schema".categories select distinct split_part(stream, '/', 1), xid from :"schema".events;
