-- What is billed: the count of each month as it stands, and a ledger to which is only added.
create schema billing;

create table billing.usage (
  project  text collate "C" not null,
  -- The first day of the month (UTC) in which a session began.
  month    date not null,
  sessions bigint not null,
  primary key (project, month)
) with (fillfactor = 50);

create table billing.ledger (
  project     text collate "C" not null,
  month       date not null,
  -- The place in the log: of an invoice up to where it holds everything, of a correction that of the entry that caused it.
  xid         xid8 not null,
  position    bigint not null,
  kind        text collate "C" not null check (kind in ('invoice', 'correction')),
  -- The entry of the log that caused a correction.
  event       uuid check ((kind = 'correction') = (event is not null)),
  sessions    bigint not null,
  -- In the smallest unit of the currency, whole.
  unit_price  bigint not null,
  currency    text collate "C" not null,
  amount      bigint not null check (amount = sessions * unit_price),
  -- Of an invoice when it was made, of a correction the time of its event.
  at          timestamptz not null,
  primary key (project, month, xid, position)
);
-- A month is invoiced once.
create unique index ledger_invoices on billing.ledger (project, month) where kind = 'invoice';

create function billing.refuse() returns trigger language plpgsql as
  $$ begin raise exception 'billing.ledger is only added to: correct by another entry'; end $$;
create trigger ledger_is_append_only before update or delete or truncate on billing.ledger
  for each statement execute function billing.refuse();

-- How many entries of the log were handled: fewer in the log means that it was cut, and nothing can be recomputed from it.
create table billing.handled (one boolean primary key default true check (one), entries bigint not null);
insert into billing.handled (entries) values (0);
