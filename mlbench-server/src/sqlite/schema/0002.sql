-- Where in the training a point was measured. NULL costs a byte of the row's header.
ALTER TABLE point ADD COLUMN step  INTEGER;
ALTER TABLE point ADD COLUMN epoch REAL;

-- What a batch was answered, for when it comes again. An array is chunk 0; a stream of lines has one after the other.
CREATE TABLE batch_key (
    id        INTEGER PRIMARY KEY,                        -- ascends with time, so the oldest are found first
    key       TEXT    NOT NULL,
    chunk     INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    points    INTEGER NOT NULL,                           -- how many were sent, good and bad
    answer    TEXT    NOT NULL,                           -- JSON
    UNIQUE (key, chunk)
) STRICT;
