-- Version 2: schemas that vendors make from what they are sent, and bodies that are kept.

CREATE TABLE schemas (
    number INTEGER PRIMARY KEY,
    lane INTEGER NOT NULL REFERENCES lanes,
    slug TEXT NOT NULL,
    kind TEXT NOT NULL,
    fields TEXT NOT NULL,                       -- a JSON object: the type of each field
    primary_id TEXT NOT NULL,
    published REAL NOT NULL,
    defined REAL NOT NULL DEFAULT 0,            -- 0: not known to be complete at the vendor
    UNIQUE (lane, slug)
);

CREATE TABLE bodies (
    of_set INTEGER NOT NULL REFERENCES sets,
    id TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (of_set, id)
) WITHOUT ROWID;
