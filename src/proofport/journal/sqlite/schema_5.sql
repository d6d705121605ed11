-- Version 5: what was submitted together and only once, and snapshots that come in parts.

ALTER TABLE deliveries ADD COLUMN submission INTEGER;   -- the id of the first one that was submitted with it
CREATE INDEX deliveries_submission ON deliveries (submission) WHERE submission IS NOT NULL;

CREATE TABLE submissions (
    tenant TEXT NOT NULL,
    key TEXT NOT NULL,
    digest BLOB NOT NULL,                       -- of all that was asked
    answer BLOB NOT NULL,                       -- what was answered the first time
    submission INTEGER NOT NULL,
    PRIMARY KEY (tenant, key)
) WITHOUT ROWID;

-- A snapshot: proofport/journal/contract/snapshots.py draws its states.
CREATE TABLE snapshots (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    destinations TEXT NOT NULL,                 -- a JSON array
    state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'committed', 'delivered', 'aborted', 'expired')),
    lifetime REAL NOT NULL,
    created REAL NOT NULL,
    expires REAL NOT NULL,
    parts INTEGER NOT NULL DEFAULT 0,
    records INTEGER NOT NULL DEFAULT 0,
    report TEXT
);
CREATE TABLE parts (
    snapshot INTEGER NOT NULL REFERENCES snapshots,
    name TEXT NOT NULL,
    records INTEGER NOT NULL,
    payload BLOB NOT NULL,
    incomplete TEXT,
    PRIMARY KEY (snapshot, name)
);
