-- What a run was given and what people sort it by. A row per name lets runs be found.
ALTER TABLE run ADD COLUMN params TEXT NOT NULL DEFAULT '{}'; -- JSON; values only come, never change
ALTER TABLE run ADD COLUMN tags   TEXT NOT NULL DEFAULT '{}'; -- JSON

CREATE TABLE run_label (
    run   INTEGER NOT NULL,
    kind  INTEGER NOT NULL,                               -- 0 parameter, 1 tag
    name  TEXT    NOT NULL,
    value TEXT    NOT NULL,                               -- JSON of a scalar, the same for equal values
    PRIMARY KEY (run, kind, name)
) WITHOUT ROWID, STRICT;

-- Every order in which runs are listed, with what selects them besides parameters and tags.
CREATE INDEX run_by_id       ON run (id, name, state, created_at) WHERE deletion = 0;
CREATE INDEX run_by_created  ON run (created_at, id, name, state) WHERE deletion = 0;
CREATE INDEX run_by_name     ON run (name, id, state, created_at) WHERE deletion = 0;
CREATE INDEX run_by_state    ON run (state, id, name, created_at) WHERE deletion = 0;
CREATE INDEX run_by_finished ON run (
    ifnull(finished_at, 9223372036854775807), id, name, state, created_at, finished_at
) WHERE deletion = 0;
CREATE INDEX run_by_duration ON run (
    ifnull(finished_at - created_at, 9223372036854775807), id, name, state, created_at, finished_at
) WHERE deletion = 0;

-- Runs that execute elsewhere and only report here.
ALTER TABLE run ADD COLUMN external INTEGER;                 -- 1, or NULL for a run of the launcher
ALTER TABLE run ADD COLUMN beat     INTEGER NOT NULL DEFAULT 0; -- arrival number of the last update of an external run
CREATE INDEX run_external ON run (id) WHERE deletion = 0 AND external = 1 AND state = 'STARTED';
