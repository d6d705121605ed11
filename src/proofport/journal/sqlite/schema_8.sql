-- Version 8: what is gone, for vendors that are still given it for some days.

CREATE TABLE tombstones (
    of_set INTEGER NOT NULL REFERENCES sets,
    id TEXT NOT NULL,
    body BLOB,                                  -- the last one; null: missing in a set that was to be sent, not gone
    gone_at REAL NOT NULL,                      -- when it was first missing
    PRIMARY KEY (of_set, id)
) WITHOUT ROWID;
