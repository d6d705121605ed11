-- Version 7: what is old is pruned.

ALTER TABLE runs ADD COLUMN pruned BOOLEAN NOT NULL DEFAULT false;  -- its batches are gone, and its report is counts
CREATE INDEX runs_to_prune ON runs (number) WHERE NOT pruned;
CREATE INDEX idempotency_records_submission ON idempotency_records (submission);
