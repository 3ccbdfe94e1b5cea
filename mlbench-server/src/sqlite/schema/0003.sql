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
