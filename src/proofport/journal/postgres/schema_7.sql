-- Version 7: what is old is pruned, and when something of a kind last arrived.

ALTER TABLE runs ADD COLUMN pruned BOOLEAN NOT NULL DEFAULT false;  -- its batches are gone, and its report is counts
CREATE INDEX runs_to_prune ON runs (number) WHERE NOT pruned;
CREATE INDEX idempotency_records_submission ON idempotency_records (submission);

ALTER TABLE sets ADD COLUMN complete_at DOUBLE PRECISION;           -- the last whole set was complete
ALTER TABLE sets ADD COLUMN delivered_at DOUBLE PRECISION;          -- something of the kind was last delivered
ALTER TABLE sets ADD COLUMN confirmed_at DOUBLE PRECISION;          -- and confirmed by the vendor's answer

UPDATE sets s SET
    complete_at = (SELECT max(ended) FROM runs r
        WHERE r.lane = s.lane AND r.kind = s.kind AND r.mode = 'snapshot' AND r.state = 'complete'),
    delivered_at = (SELECT max(ended) FROM runs r
        WHERE r.lane = s.lane AND r.kind = s.kind AND r.state = 'complete');
