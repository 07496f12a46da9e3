-- What clients lost before it reached us, by their own account: added up by reason, each report once.
create table telemetry.client_losses (
  project text collate "C" not null,
  reason  text collate "C" not null,
  count   bigint not null,
  primary key (project, reason)
);

-- Reports that were added. A client may send one again long after, so they are kept for 400 days.
create table telemetry.loss_reports (
  project     text collate "C" not null,
  id          uuid not null,
  received_at timestamptz not null,
  primary key (project, id)
);
create index loss_reports_by_age on telemetry.loss_reports (received_at);
