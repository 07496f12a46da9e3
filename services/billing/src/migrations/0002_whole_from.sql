-- Books that are made again from a log that was cut lack what it lost. Months that begin here or later lack nothing; null: none does.
alter table billing.handled add whole_from timestamptz;
