-- Its effect is due though the generation has the effects of later events only: the one before it parked the event, too.
alter table :"schema".parked add column owes_effect boolean not null default false;
