-- Runs of other servers. While one is imported, `run.deletion` is -1 and nothing shows it.
ALTER TABLE run ADD COLUMN imported TEXT;                 -- JSON; where it comes from, and when it came
CREATE INDEX run_importing ON run (id) WHERE deletion < 0;

-- Usage of the pods of an imported run, as its export has it. These pods are not those of this server.
CREATE TABLE imported_usage (
    run  INTEGER NOT NULL,
    seq  INTEGER NOT NULL,                                -- arrival number
    text BLOB    NOT NULL,                                -- whole lines, compressed by zlib
    PRIMARY KEY (run, seq)
) STRICT;
