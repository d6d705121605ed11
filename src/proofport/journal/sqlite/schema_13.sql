-- Version 13: what is old is pruned.

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
