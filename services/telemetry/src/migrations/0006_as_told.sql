-- Nobody asks for a part of these: as text they cost less to write and to read.
alter table telemetry.sessions
  alter column flags type json using flags::text::json,
  alter column visits type json using visits::text::json;
