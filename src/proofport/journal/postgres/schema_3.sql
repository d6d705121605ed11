-- Version 3: what is gone, for vendors that are still given it for some days.

CREATE TABLE tombstones (
    of_set INTEGER NOT NULL REFERENCES sets,
    id BYTEA NOT NULL,
    body BYTEA,                                 -- the last one; null: missing in a set that was to be sent, not gone
    gone_at DOUBLE PRECISION NOT NULL,          -- when it was first missing
    PRIMARY KEY (of_set, id)
);
