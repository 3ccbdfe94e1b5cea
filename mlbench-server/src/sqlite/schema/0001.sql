-- Dates are microseconds since 1970. Foreign keys are not declared: owners disappear at once and what was theirs is
-- purged in small steps afterwards.

CREATE TABLE run (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,  -- a number is never used twice
    name              TEXT    NOT NULL,
    job_id            TEXT    NOT NULL,
    state             TEXT    NOT NULL,
    created_at        INTEGER NOT NULL,
    finished_at       INTEGER,
    spec              TEXT    NOT NULL,                   -- JSON; never changes, nothing searches in it
    workers           TEXT    NOT NULL DEFAULT '[]',      -- JSON; written once
    stop_requested_at INTEGER,
    ending_event      TEXT,
    ending_reason     TEXT,
    ending_at         INTEGER,
    removal           INTEGER NOT NULL DEFAULT 0          -- 0 kept, 1 deleted and to be torn down, 2 deleted
) STRICT;
CREATE INDEX run_active  ON run (id) WHERE removal = 0 AND state IN ('INITIALIZED', 'STARTED');
CREATE INDEX run_removed ON run (removal, id) WHERE removal > 0;

CREATE TABLE run_rank (
    run           INTEGER NOT NULL,
    rank          INTEGER NOT NULL,
    stdout_offset INTEGER NOT NULL DEFAULT 0,
    stderr_offset INTEGER NOT NULL DEFAULT 0,
    exit_code     INTEGER,
    lost          TEXT,
    PRIMARY KEY (run, rank)
) WITHOUT ROWID, STRICT;

-- How much of a stream is kept, against the limit.
CREATE TABLE run_output (
    run     INTEGER NOT NULL,
    stream  INTEGER NOT NULL,
    bytes   INTEGER NOT NULL DEFAULT 0,
    is_full INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (run, stream)
) WITHOUT ROWID, STRICT;

CREATE TABLE log_line (
    run    INTEGER NOT NULL,
    stream INTEGER NOT NULL,                              -- 0 standard output, 1 standard error
    seq    INTEGER NOT NULL,                              -- ascending within the run, over both streams
    date   INTEGER NOT NULL,
    rank   INTEGER,                                       -- NULL for notes of the server
    text   TEXT    NOT NULL,
    PRIMARY KEY (run, stream, seq)
) WITHOUT ROWID, STRICT;
CREATE INDEX log_line_rank ON log_line (run, stream, rank);  -- seq follows by itself

CREATE TABLE pod (
    id            INTEGER PRIMARY KEY,
    name          TEXT    NOT NULL UNIQUE,
    labels        TEXT    NOT NULL DEFAULT '{}',          -- JSON
    phase         TEXT    NOT NULL DEFAULT '',
    ip            TEXT    NOT NULL DEFAULT '',
    first_seen_at INTEGER NOT NULL,
    left_at       INTEGER                                 -- NULL while it is in the cluster
) STRICT;
CREATE INDEX pod_present ON pod (name) WHERE left_at IS NULL;

CREATE TABLE series (
    id         INTEGER PRIMARY KEY,
    owner_kind INTEGER NOT NULL,                          -- 0 pod, 1 run
    owner      INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    count      INTEGER NOT NULL DEFAULT 0,
    numbers    INTEGER NOT NULL DEFAULT 0,                -- how many of them are finite numbers
    first_date INTEGER NOT NULL,
    last_date  INTEGER NOT NULL,
    last_seq   INTEGER NOT NULL,                          -- the newest arrival
    min        REAL,
    max        REAL,
    last_value ANY     NOT NULL,                          -- of the point that is last by date, then arrival
    UNIQUE (owner_kind, owner, name)
) STRICT;

CREATE TABLE point (
    series     INTEGER NOT NULL,
    date       INTEGER NOT NULL,
    seq        INTEGER NOT NULL,                          -- arrival, over all series
    value      ANY     NOT NULL,
    cumulative INTEGER NOT NULL DEFAULT 0,
    metadata   TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (series, date, seq)
) WITHOUT ROWID, STRICT;

-- One row: the newest arrival of all points ever.
CREATE TABLE arrival (last INTEGER NOT NULL) STRICT;
INSERT INTO arrival (last) VALUES (0);

CREATE TABLE idempotency_key (
    id         INTEGER PRIMARY KEY,                       -- ascends with time, so the oldest are found first
    owner_kind INTEGER NOT NULL,
    owner      INTEGER NOT NULL,
    key        TEXT    NOT NULL,
    stored_at  INTEGER NOT NULL,
    series     INTEGER NOT NULL,                          -- the point that was stored under the key is its answer
    date       INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    UNIQUE (owner_kind, owner, key)
) STRICT;
