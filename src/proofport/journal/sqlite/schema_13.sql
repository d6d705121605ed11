-- Version 13: when something of a kind last arrived.

ALTER TABLE sets ADD COLUMN complete_at REAL;                       -- the last whole set was complete
ALTER TABLE sets ADD COLUMN delivered_at REAL;                      -- something of the kind was last delivered
ALTER TABLE sets ADD COLUMN confirmed_at REAL;                      -- and confirmed by the vendor's answer

UPDATE sets SET
    complete_at = (SELECT max(ended) FROM runs r
        WHERE r.lane = sets.lane AND r.kind = sets.kind AND r.mode = 'snapshot' AND r.state = 'complete'),
    delivered_at = (SELECT max(ended) FROM runs r
        WHERE r.lane = sets.lane AND r.kind = sets.kind AND r.state = 'complete');
