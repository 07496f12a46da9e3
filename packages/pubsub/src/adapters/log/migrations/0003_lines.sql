-- A body has a line a message now, and those of before are still read. A process that knows those alone would take lines for
-- something else: under another name it finds nothing, and says so.
alter table :"schema".segments rename column body to lines;
