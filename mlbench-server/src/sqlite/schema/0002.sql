-- Points at rest: consecutive points of a series as compressed columns. Chunks of a series do not overlap. Rows of `point`
-- may lie between the points of a chunk, until the chunk is written anew with them.
CREATE TABLE chunk (
    id         INTEGER PRIMARY KEY,
    series     INTEGER NOT NULL,
    count      INTEGER NOT NULL,
    first_date INTEGER NOT NULL,                          -- position of the first point
    first_seq  INTEGER NOT NULL,
    last_date  INTEGER NOT NULL,                          -- position of the last point
    last_seq   INTEGER NOT NULL,
    min_seq    INTEGER NOT NULL,                          -- lowest arrival number
    max_seq    INTEGER NOT NULL,                          -- highest arrival number
    state      INTEGER NOT NULL,                          -- 0 as it arrived, 1 packed but small, 2 packed and full
    header     BLOB    NOT NULL,
    body       BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX chunk_position ON chunk (series, last_date, last_seq);
CREATE INDEX chunk_arrival ON chunk (series, max_seq, min_seq);
CREATE INDEX chunk_unsealed ON chunk (series, last_date, last_seq) WHERE state < 2;
