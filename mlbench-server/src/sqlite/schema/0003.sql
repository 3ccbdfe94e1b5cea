-- Points that arrived after one of the same series with a later date. All others come by date in the order they arrived,
-- so what arrived last is found at the end of a series and here, without an index over all points.
CREATE TABLE late_point (
    series INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    date   INTEGER NOT NULL,
    PRIMARY KEY (series, seq)
) WITHOUT ROWID, STRICT;
INSERT INTO late_point (series, seq, date)
    SELECT series, seq, date FROM (
        SELECT series, seq, date,
               min(seq) OVER (PARTITION BY series ORDER BY date DESC, seq DESC ROWS UNBOUNDED PRECEDING) AS first_seq
        FROM point)
    WHERE first_seq < seq;

-- What last_date was before the newest write, which tells whether that brought late points.
ALTER TABLE series ADD COLUMN prior_date INTEGER NOT NULL DEFAULT 0;
