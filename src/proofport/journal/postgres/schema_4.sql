-- Version 4: what is about to be sent, the source of each id, and the first spelling of an id beside its key.

CREATE TABLE source_names (
    of_set INTEGER NOT NULL REFERENCES sets,
    number INTEGER NOT NULL,                    -- from 1 on, in the order in which they were first seen
    name BYTEA NOT NULL,
    PRIMARY KEY (of_set, number),
    UNIQUE (of_set, name)
);
ALTER TABLE known
    ADD COLUMN source INTEGER NOT NULL DEFAULT 0,   -- the number of its source; 0: not known
    ADD COLUMN spelling BYTEA;                  -- how the id was written first; null: like its key
ALTER TABLE staged
    ADD COLUMN sources INTEGER[] NOT NULL DEFAULT '{}',     -- or empty: none known
    ADD COLUMN spellings BYTEA[] NOT NULL DEFAULT '{}';     -- or empty: all like their keys

-- What is about to be sent, a row a batch. Whoever notes what became of it drops the row.
CREATE TABLE intents (
    of_set INTEGER NOT NULL REFERENCES sets,
    run INTEGER NOT NULL,                       -- 0: of a queued delivery
    delivery BIGINT NOT NULL,                   -- 0: of a run
    batch INTEGER NOT NULL,
    digest BYTEA NOT NULL,
    content BYTEA NOT NULL,                     -- ids, times, sources, spellings and bodies: journal/sql/lane_run.py
    PRIMARY KEY (of_set, run, delivery, batch)
);
ALTER TABLE runs ADD COLUMN completing BOOLEAN NOT NULL DEFAULT false;  -- staged: the vendor may have been told to complete
ALTER TABLE parts ADD COLUMN source TEXT;       -- the name of the source of its records; null: of an older version

-- The pages of a source may come in several parts of a snapshot. Each part keeps what its pages say, as JSON.
ALTER TABLE parts RENAME COLUMN incomplete TO pages;
UPDATE parts SET pages = json_build_object(
    'source', 'part ' || name, 'last', name, 'records', records, 'more', pages
)::text WHERE pages IS NOT NULL;

-- Ids of an older version do not stand under their keys yet: whoever delivers next moves them there.
ALTER TABLE sets ADD COLUMN keyed INTEGER NOT NULL DEFAULT 0;           -- 1: every id that can stands under its key
ALTER TABLE sets ADD COLUMN spelled INTEGER NOT NULL DEFAULT 0;         -- 1: some id is, or was, written otherwise
