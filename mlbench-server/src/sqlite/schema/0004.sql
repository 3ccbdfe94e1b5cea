-- Names under which MLflow's clients group runs. Their runs carry the name as a tag.
--
-- `run.external` is 2 for a run of such a client, which ends only when it says so, and 1 for another external run.
CREATE TABLE experiment (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted    INTEGER NOT NULL DEFAULT 0,                -- 1 while it can be restored
    tags       TEXT    NOT NULL DEFAULT '{}'              -- JSON
) STRICT;
