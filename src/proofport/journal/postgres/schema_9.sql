-- Version 9: time stamps of the log of receipts, and an index of last runs.

CREATE TABLE receipt_stamps (
    size BIGINT PRIMARY KEY,                    -- how many receipts the checkpoint covers
    at DOUBLE PRECISION NOT NULL,               -- what the authority says
    note BYTEA NOT NULL,                        -- the signed checkpoint
    answer BYTEA NOT NULL                       -- of the authority, as it came
);

-- Finds the last run of each destination, kind and mode, without reading reports.
CREATE INDEX runs_last ON runs (destination, kind, mode, number) WHERE state <> 'open' AND report IS NOT NULL;
