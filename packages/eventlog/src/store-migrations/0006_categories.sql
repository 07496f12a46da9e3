-- Makes a category cheap to follow: in which transactions something of it was written. A row a transaction and category, and no
-- index over all events.
create table :"schema".categories (
  category text collate "C" not null,
  xid      xid8 not null,
  primary key (category, xid)
);
insert into :"schema".categories select distinct split_part(stream, '/', 1), xid from :"schema".events;
