-- The times of a session's visits, start and end in turn, in milliseconds; null while there is one, which started_at and
-- last_at tell.
alter table telemetry.sessions add column visits jsonb;
