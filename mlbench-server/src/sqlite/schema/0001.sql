-- Dates are microseconds since 1970. Foreign keys are not declared: a deletion marks its run, and the purge deletes the
-- rows of that run in small steps.

-- Names this database, and so its server, among others in the same cluster. The name is bound to the place of the
-- database: a copy gets another one.
CREATE TABLE server (
    instance   TEXT    NOT NULL,
    place      TEXT    NOT NULL DEFAULT '',               -- machine, inode and path; '' before the first start
    former     TEXT    NOT NULL DEFAULT '[]',             -- JSON; names of the databases that this one was a copy of
    written_at INTEGER NOT NULL DEFAULT 0                 -- no later than the last write, and seconds before it at most
) STRICT;
INSERT INTO server (instance) VALUES (lower(hex(randomblob(16))));

CREATE TABLE run (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,  -- never reused
    name              TEXT    NOT NULL,
    job_id            TEXT    NOT NULL,
    state             TEXT    NOT NULL,
    created_at        INTEGER NOT NULL,
    finished_at       INTEGER,
    spec              TEXT    NOT NULL,                   -- JSON; immutable and never searched
    workers           TEXT    NOT NULL DEFAULT '[]',      -- JSON; written once
    stop_requested_at INTEGER,
    outcome_event     TEXT,
    outcome_reason    TEXT,
    outcome_at        INTEGER,
    deletion          INTEGER NOT NULL DEFAULT 0,         -- 0 not deleted, 1 deleted but not torn down, 2 deleted
    admitted_at       INTEGER,                            -- NULL while the run is queued
    changed           INTEGER NOT NULL DEFAULT 0          -- arrival number of the last change that readers can see
) STRICT;
CREATE INDEX run_changed ON run (changed);
CREATE INDEX run_active  ON run (id) WHERE deletion = 0 AND state IN ('INITIALIZED', 'STARTED');
CREATE INDEX run_deleted ON run (deletion, id) WHERE deletion > 0;

-- The newest deletions of runs. Who follows the changes from before `arrival.deletions_from` must read all runs again.
CREATE TABLE run_deletion (
    seq INTEGER PRIMARY KEY,                              -- arrival number
    run INTEGER NOT NULL
) STRICT;

-- Tokens with which the workers of an active run post metrics. They are deleted when the run ends.
CREATE TABLE run_token (
    hash BLOB    NOT NULL PRIMARY KEY,                    -- SHA-256
    run  INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX run_token_run ON run_token (run);

CREATE TABLE run_rank (
    run           INTEGER NOT NULL,
    rank          INTEGER NOT NULL,
    stdout_offset INTEGER NOT NULL DEFAULT 0,
    stderr_offset INTEGER NOT NULL DEFAULT 0,
    exit_code     INTEGER,
    lost          TEXT,
    PRIMARY KEY (run, rank)
) WITHOUT ROWID, STRICT;

-- Stored bytes of each output stream, compared with the output limit.
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
    seq    INTEGER NOT NULL,                              -- arrival number
    date   INTEGER NOT NULL,
    rank   INTEGER,                                       -- NULL for messages of the server
    text   TEXT    NOT NULL,
    PRIMARY KEY (run, stream, seq)
) WITHOUT ROWID, STRICT;
CREATE INDEX log_line_rank ON log_line (run, stream, rank);  -- includes seq, as part of the primary key

CREATE TABLE pod (
    id            INTEGER PRIMARY KEY,
    name          TEXT    NOT NULL UNIQUE,
    labels        TEXT    NOT NULL DEFAULT '{}',          -- JSON
    phase         TEXT    NOT NULL DEFAULT '',
    ip            TEXT    NOT NULL DEFAULT '',
    first_seen_at INTEGER NOT NULL,
    left_at       INTEGER,                                -- NULL while the pod is in the cluster
    left_seq      INTEGER                                 -- highest arrival number at that time
) STRICT;
CREATE INDEX pod_present ON pod (name) WHERE left_at IS NULL;

-- Absences of pods during which points of them arrived. The lists of that time left these points out.
CREATE TABLE pod_absence (
    pod          INTEGER NOT NULL,
    left_seq     INTEGER NOT NULL,                        -- highest arrival number when the pod left
    returned_seq INTEGER NOT NULL,                        -- arrival number of its return, which is that of no point
    PRIMARY KEY (pod, left_seq)
) WITHOUT ROWID, STRICT;

CREATE TABLE series (
    id         INTEGER PRIMARY KEY,
    owner_kind INTEGER NOT NULL,                          -- 0 pod, 1 run
    owner      INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    count      INTEGER NOT NULL DEFAULT 0,
    numbers    INTEGER NOT NULL DEFAULT 0,                -- how many values are finite numbers
    first_date INTEGER NOT NULL,
    last_date  INTEGER NOT NULL,
    last_seq   INTEGER NOT NULL,                          -- highest arrival number
    min        REAL,
    max        REAL,
    last_value ANY     NOT NULL,                          -- value of the point with the highest arrival number
    UNIQUE (owner_kind, owner, name)
) STRICT;

CREATE TABLE point (
    series     INTEGER NOT NULL,
    date       INTEGER NOT NULL,
    seq        INTEGER NOT NULL,                          -- arrival number, across all series
    value      ANY     NOT NULL,
    cumulative INTEGER NOT NULL DEFAULT 0,
    metadata   TEXT    NOT NULL DEFAULT '',
    step       INTEGER,                                   -- of the training
    epoch      REAL,                                      -- of the training
    PRIMARY KEY (series, date, seq)
) WITHOUT ROWID, STRICT;

-- One row. Points, output lines, changes of runs and of the list of pods share one sequence of arrival numbers.
CREATE TABLE arrival (
    last           INTEGER NOT NULL,                      -- highest arrival number ever given out
    pods           INTEGER NOT NULL,                      -- that of the last change of the list of pods
    teardown       INTEGER NOT NULL,                      -- that of the last teardown of a deleted run
    deletions_from INTEGER NOT NULL                       -- `run_deletion` has all deletions after this number
) STRICT;
INSERT INTO arrival (last, pods, teardown, deletions_from) VALUES (0, 0, 0, 0);

-- Points that arrived after a point of the same series with a later date. All other points of a series have the same
-- order by date and by arrival, so new points are found at the end of the series and here, without an index on arrival.
CREATE TABLE out_of_order_point (
    series INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    date   INTEGER NOT NULL,
    PRIMARY KEY (series, seq)
) WITHOUT ROWID, STRICT;

-- Idempotency keys, and what a repeated request needs for the first response besides its own body.
CREATE TABLE idempotency_key (
    holder      INTEGER NOT NULL,                         -- the run whose token showed the key, 0 for the server
    endpoint    INTEGER NOT NULL,                         -- 0 runs, 1 metrics, 2 batches
    key         TEXT    NOT NULL,
    chunk       INTEGER NOT NULL,                         -- of a batch of lines, else 0
    stored_at   INTEGER NOT NULL,
    fingerprint BLOB    NOT NULL,                         -- of the body as it was sent
    response    TEXT    NOT NULL,                         -- JSON
    PRIMARY KEY (holder, endpoint, key, chunk)
) WITHOUT ROWID, STRICT;
CREATE INDEX idempotency_key_age ON idempotency_key (stored_at);
