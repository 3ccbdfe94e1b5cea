-- When a run was given its share of the workers; NULL while it waits in the queue.
ALTER TABLE run ADD COLUMN admitted_at INTEGER;
UPDATE run SET admitted_at = created_at;

-- What the workers of an active run show when they post metrics; gone with its end.
CREATE TABLE run_token (
    hash BLOB    NOT NULL PRIMARY KEY,                    -- SHA-256
    run  INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX run_token_run ON run_token (run);

-- Names this database, and so the server that owns it, among others in the same cluster.
CREATE TABLE server (instance TEXT NOT NULL) STRICT;
INSERT INTO server (instance) VALUES (lower(hex(randomblob(16))));
