-- What programs of the version before wrote between 0006 and 0008. Those that were at it are waited for.
lock table :"schema".streams in exclusive mode;
insert into :"schema".categories
select distinct split_part(e.stream, '/', 1), e.xid from :"schema".events e
where e.xid >= (select xid from :"schema".categories where category = '/since')
on conflict do nothing;
delete from :"schema".categories where category = '/since';
