-- Version 3: keys of the relay.

CREATE TABLE access_keys (
    number INTEGER PRIMARY KEY,
    prefix TEXT NOT NULL UNIQUE,                -- the public half, as people and logs name the key
    name TEXT NOT NULL,
    tenant TEXT NOT NULL,
    proof TEXT NOT NULL,                        -- a slow hash of the secret half, with its salt and cost
    may_read INTEGER NOT NULL,
    may_write INTEGER NOT NULL,
    created REAL NOT NULL,
    destinations TEXT,                          -- a JSON array; null: all of the tenant's
    kinds TEXT,                                 -- a JSON array; null: all
    expires REAL,
    revoked REAL,
    used REAL
);
