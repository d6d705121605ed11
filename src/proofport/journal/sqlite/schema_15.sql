-- Version 15: time stamps of the log of receipts, an index of last runs, and what the parts of a snapshot leave out.

CREATE TABLE receipt_stamps (
    size INTEGER PRIMARY KEY,                   -- how many receipts the checkpoint covers
    at REAL NOT NULL,                           -- what the authority says
    note BLOB NOT NULL,                         -- the signed checkpoint
    answer BLOB NOT NULL                        -- of the authority, as it came
);

-- Finds the last run of each destination, kind and mode, without reading reports.
CREATE INDEX runs_last ON runs (destination, kind, mode, number) WHERE state <> 'open' AND report IS NOT NULL;

-- The records that came with a part, and that a source mapping leaves out. An older version has not counted them.
ALTER TABLE parts ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;
