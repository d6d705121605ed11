-- Version 9: time stamps of the log of receipts.

CREATE TABLE receipt_stamps (
    size BIGINT PRIMARY KEY,                    -- how many receipts the checkpoint covers
    at DOUBLE PRECISION NOT NULL,               -- what the authority says
    note BYTEA NOT NULL,                        -- the signed checkpoint
    answer BYTEA NOT NULL                       -- of the authority, as it came
);
