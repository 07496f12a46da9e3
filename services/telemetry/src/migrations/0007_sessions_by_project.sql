-- A list of a small project's sessions walked those of all projects, on the engine that writes.
alter table telemetry.sessions drop constraint sessions_pkey, add primary key (project, id);
