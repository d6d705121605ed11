-- Version 14: notices.

CREATE TABLE causes (                           -- what is wrong now
    key TEXT PRIMARY KEY,
    number INTEGER NOT NULL,                    -- in the order of noting
    event TEXT NOT NULL,
    content TEXT NOT NULL,                      -- JSON
    since REAL NOT NULL
) WITHOUT ROWID;

CREATE TABLE notices (                          -- what is still to be told; a row goes when it has arrived
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook INTEGER NOT NULL,                   -- the number by which the configuration knows it
    event TEXT NOT NULL,
    content TEXT NOT NULL,
    since REAL NOT NULL,
    over REAL,                                  -- null: it has begun
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at REAL NOT NULL
);
CREATE INDEX notices_webhook ON notices (webhook, number);
