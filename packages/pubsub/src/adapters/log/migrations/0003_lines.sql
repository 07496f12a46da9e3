-- A body has a line a message now, and those of before are still read. A process that knows those alone would take lines for
-- something else: under another name it finds nothing, and says so.
alter table :"schema".segments rename column body to lines;

-- Bodies were kept as they are, because the compression that every server has costs more than it saves. This one does not,
-- where the server has it: less is written, and less waits for the disk.
do $$
begin
  alter table :"schema".segments alter column lines set compression lz4;
  alter table :"schema".segments alter column lines set storage extended;
exception when feature_not_supported then
  null;
end
$$;
