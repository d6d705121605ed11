-- Version 1 of the journal.
--
-- A delivery                          A lane (as `due` says it)
--
--   accept                             asleep: due is null       nothing queued, or parked
--     |                                  |  accept, resume          ^  last one ended, park
--     v       later (attempts + 1)       v                          |
--   queued <---+                       due in the past: whoever claims it first has it (epoch + 1)
--     |  |  |__|                         |                          ^
--     |  |                               v                          |  release, the rest is over, the lease has run out
--     |  +------ cancel ----+          due in the future: it rests until next_at, or is held until lease_until
--     |                     |
--     +-- done              v          A run:  begin -> open -- end(complete) --> complete
--     +-- dead -- cancel, replay -> cancelled      ^    +------ end -----------> ended
--                                                  +-------- begin again ----------+

CREATE TABLE lanes (
    number INTEGER PRIMARY KEY,
    lane TEXT NOT NULL UNIQUE,
    epoch INTEGER NOT NULL DEFAULT 0,           -- grows with every claim; a write under an old one is refused
    owner TEXT,                                 -- null: nobody holds it
    lease_until REAL,
    next_at REAL NOT NULL DEFAULT 0,            -- it rests until then
    parked TEXT,                                -- why a person must act
    due REAL                                    -- when it may next be claimed; all that looking for work reads
);
CREATE INDEX lanes_due ON lanes (due) WHERE due IS NOT NULL;

CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,       -- the order of acceptance; never used twice
    lane INTEGER NOT NULL REFERENCES lanes,
    destination TEXT NOT NULL,
    kind TEXT NOT NULL,
    mode TEXT NOT NULL,
    records INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'done', 'dead', 'cancelled')),
    attempts INTEGER NOT NULL DEFAULT 0,
    created REAL NOT NULL,
    finished REAL,
    key TEXT,
    outcome TEXT,
    reason TEXT,                                -- of the last failure
    detail TEXT,
    payload BLOB NOT NULL
);
CREATE UNIQUE INDEX deliveries_key ON deliveries (key) WHERE key IS NOT NULL;
CREATE INDEX deliveries_lane ON deliveries (lane, state, id);
CREATE INDEX deliveries_dead ON deliveries (id) WHERE state = 'dead';

-- New work wakes its lane, as soon as its rest or its lease is over.
CREATE TRIGGER deliveries_wake AFTER INSERT ON deliveries BEGIN
    UPDATE lanes SET due = max(NEW.created, next_at, ifnull(lease_until, 0))
    WHERE number = NEW.lane AND due IS NULL AND parked IS NULL;
END;

CREATE TABLE runs (
    number INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL,
    destination TEXT NOT NULL,
    lane INTEGER NOT NULL REFERENCES lanes,
    kind TEXT NOT NULL,
    mode TEXT NOT NULL,
    staged INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'complete', 'ended')),
    memory TEXT NOT NULL DEFAULT '{}',
    inputs TEXT NOT NULL,
    started REAL NOT NULL,
    ended REAL,
    report TEXT,
    settled REAL,                               -- of a staged run that is complete: its turn, between those of `sent`
    named INTEGER NOT NULL DEFAULT 0,           -- of a staged run: up to where in `sent` its ids are known as its set
    UNIQUE (run_id, destination)
);
CREATE INDEX runs_lane ON runs (lane, kind);

CREATE TABLE batches (
    run INTEGER NOT NULL REFERENCES runs,
    number INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    records INTEGER NOT NULL,
    digest BLOB NOT NULL,
    outcomes TEXT NOT NULL,
    PRIMARY KEY (run, number)
);

CREATE TABLE attempts (
    number INTEGER PRIMARY KEY,
    lane INTEGER NOT NULL REFERENCES lanes,
    run_id TEXT,
    delivery INTEGER,
    operation TEXT NOT NULL,
    status INTEGER NOT NULL,
    seconds REAL NOT NULL,
    sent_bytes INTEGER NOT NULL,
    digest TEXT NOT NULL,
    message TEXT NOT NULL,
    at REAL NOT NULL
);
CREATE INDEX attempts_lane ON attempts (lane);
CREATE INDEX attempts_run ON attempts (run_id) WHERE run_id IS NOT NULL;

-- The last delivered state. Pushing appends to `sent`, one row a batch; whoever asks folds those rows into `known` first.
CREATE TABLE sets (
    number INTEGER PRIMARY KEY,
    lane INTEGER NOT NULL REFERENCES lanes,
    kind TEXT NOT NULL,
    UNIQUE (lane, kind)
);
CREATE TABLE sent (
    turn INTEGER PRIMARY KEY AUTOINCREMENT,
    of_set INTEGER NOT NULL REFERENCES sets,
    run INTEGER REFERENCES runs,                -- null: of a queued delivery
    removed INTEGER NOT NULL,
    records INTEGER NOT NULL,
    ids BLOB NOT NULL,                          -- a JSON array
    bodies BLOB NOT NULL,                       -- 64-bit little-endian integers
    observed BLOB NOT NULL                      -- 64-bit little-endian floats, or empty: unknown for all
);
CREATE INDEX sent_set ON sent (of_set, run);
CREATE TABLE known (
    of_set INTEGER NOT NULL REFERENCES sets,
    id TEXT NOT NULL,
    run INTEGER,                                -- the last run whose set it belongs to
    turn REAL NOT NULL,                         -- folding is repeatable: an older turn never wins
    body INTEGER,                               -- null: named, never delivered; 0: removed
    observed REAL NOT NULL,
    PRIMARY KEY (of_set, id)
) WITHOUT ROWID;

CREATE TABLE permits (
    key TEXT PRIMARY KEY,
    next REAL NOT NULL
) WITHOUT ROWID;
