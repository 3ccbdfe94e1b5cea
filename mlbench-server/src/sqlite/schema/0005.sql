-- A series is looked up before it is written to, so what last_date was before needs no column.
ALTER TABLE series DROP COLUMN prior_date;
