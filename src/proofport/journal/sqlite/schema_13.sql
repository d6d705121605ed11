-- Version 13: what is old is pruned, and when something of a kind last arrived.

-- A body outlives the delivery that sent it.
CREATE TABLE bodies_13 (
    of_set INTEGER NOT NULL REFERENCES sets,
    id TEXT NOT NULL,
    body BLOB NOT NULL,
    run INTEGER REFERENCES runs,                -- what sent or removed it
    delivery INTEGER,                           -- or which delivery, which may have been pruned since
    PRIMARY KEY (of_set, id)
) WITHOUT ROWID;
INSERT INTO bodies_13 SELECT of_set, id, body, run, delivery FROM bodies;
DROP TABLE bodies;
ALTER TABLE bodies_13 RENAME TO bodies;

ALTER TABLE runs ADD COLUMN pruned BOOLEAN NOT NULL DEFAULT false;  -- its batches are gone, and its report is counts
CREATE INDEX runs_to_prune ON runs (number) WHERE NOT pruned;
CREATE INDEX idempotency_records_submission ON idempotency_records (submission);

ALTER TABLE sets ADD COLUMN complete_at REAL;                       -- the last whole set was complete
ALTER TABLE sets ADD COLUMN delivered_at REAL;                      -- something of the kind was last delivered
ALTER TABLE sets ADD COLUMN confirmed_at REAL;                      -- and confirmed by the vendor's answer

UPDATE sets SET
    complete_at = (SELECT max(ended) FROM runs r
        WHERE r.lane = sets.lane AND r.kind = sets.kind AND r.mode = 'snapshot' AND r.state = 'complete'),
    delivered_at = (SELECT max(ended) FROM runs r
        WHERE r.lane = sets.lane AND r.kind = sets.kind AND r.state = 'complete');
