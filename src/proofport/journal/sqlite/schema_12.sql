-- Version 12: receipts, the log that they are in, and the keys that have signed them.

ALTER TABLE runs ADD COLUMN due BOOLEAN NOT NULL DEFAULT false;     -- a receipt is to follow its end
CREATE INDEX runs_due ON runs (number) WHERE due;

-- Histories of this journal. One that was restored begins a branch, whose numbers nobody has given before.
CREATE TABLE receipt_branches (
    number INTEGER PRIMARY KEY,                 -- from 1 on
    name TEXT NOT NULL UNIQUE,
    begun REAL NOT NULL,
    size INTEGER NOT NULL                       -- how many receipts the log had then
);

CREATE TABLE receipts (                         -- leaves of a Merkle tree; rows are never changed
    place INTEGER PRIMARY KEY,                  -- in the log, from 0 on, without gaps
    branch TEXT NOT NULL REFERENCES receipt_branches (name),
    sequence INTEGER NOT NULL,                  -- in the branch, from 1 on
    run_id TEXT NOT NULL,                       -- empty: about a key
    destination TEXT NOT NULL,
    at REAL NOT NULL,
    leaf BLOB NOT NULL,
    digest BLOB NOT NULL,                       -- of the envelope
    envelope BLOB NOT NULL,
    UNIQUE (branch, sequence)
);
CREATE UNIQUE INDEX receipts_run ON receipts (run_id, destination) WHERE run_id <> '';

CREATE TABLE receipt_files (                    -- what is kept beside a receipt; a list of plain ids may be deleted
    receipt INTEGER NOT NULL REFERENCES receipts (place),
    name TEXT NOT NULL,
    content BLOB NOT NULL,                      -- compressed by zlib
    PRIMARY KEY (receipt, name)
) WITHOUT ROWID;

CREATE TABLE receipt_keys (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    public BLOB NOT NULL,
    since REAL NOT NULL,
    until REAL,
    rotation BLOB NOT NULL                      -- the envelope of the key before; empty: there was none
);

-- The place of the receipt of a queued delivery. -1: it has ended, and is due. Null: none is to follow.
ALTER TABLE deliveries ADD COLUMN receipt INTEGER;
CREATE INDEX deliveries_due ON deliveries (lane, id) WHERE receipt = -1;

CREATE TABLE kept_texts (                       -- of mapping and table files
    digest TEXT PRIMARY KEY,                    -- hexadecimal SHA-256
    content BLOB NOT NULL                       -- compressed by zlib
) WITHOUT ROWID;
