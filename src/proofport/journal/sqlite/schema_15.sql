-- Version 15: time stamps of the log of receipts.

CREATE TABLE receipt_stamps (
    size INTEGER PRIMARY KEY,                   -- how many receipts the checkpoint covers
    at REAL NOT NULL,                           -- what the authority says
    note BLOB NOT NULL,                         -- the signed checkpoint
    answer BLOB NOT NULL                        -- of the authority, as it came
);
