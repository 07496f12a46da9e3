-- The invoices that were decided on, where the log is: what no log can know, and what must outlive the store of the ledger.
create schema billing_decisions;

create table billing_decisions.invoices (
  project    text collate "C" not null,
  month      date not null,
  -- The place in the log up to which the invoice holds everything.
  xid        xid8 not null,
  position   bigint not null,
  -- What was counted there: a log that was cut does not tell it again.
  sessions   bigint not null,
  unit_price bigint not null,
  currency   text collate "C" not null,
  amount     bigint not null check (amount = sessions * unit_price),
  at         timestamptz not null,
  decided_by text collate "C" not null,
  -- A month is invoiced once.
  primary key (project, month)
);

create function billing_decisions.refuse() returns trigger language plpgsql as
  $$ begin raise exception 'billing_decisions.invoices is only added to'; end $$;
create trigger invoices_are_append_only before update or delete or truncate on billing_decisions.invoices
  for each statement execute function billing_decisions.refuse();
