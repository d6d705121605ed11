-- Version 7: one kind of idempotency record, adapter memory, leases of names, claims of commits.

ALTER TABLE submissions RENAME TO idempotency_records;

-- Keys of deliveries, KEY/DESTINATION/N, become one record for each KEY. The column stays, and is not used any more.
CREATE TABLE keyed (id INTEGER PRIMARY KEY, destination TEXT, key TEXT);
INSERT INTO keyed SELECT id, destination, CASE
    WHEN substr(rtrim(key, '0123456789'), -(length(destination) + 2)) = '/' || destination || '/'
    THEN substr(key, 1, length(rtrim(key, '0123456789')) - length(destination) - 2) ELSE key END
FROM deliveries WHERE key IS NOT NULL;
INSERT INTO idempotency_records (tenant, key, digest, answer, submission)
SELECT '', key, x'', CAST(json_group_array(DISTINCT destination) AS BLOB), min(id) FROM keyed GROUP BY key;
UPDATE deliveries SET key = NULL, submission = (
    SELECT r.submission FROM keyed k JOIN idempotency_records r ON r.tenant = '' AND r.key = k.key
    WHERE k.id = deliveries.id
) WHERE key IS NOT NULL;
DROP TABLE keyed;
DROP INDEX deliveries_key;

-- What adapters keep for a lane; until now these were schemas that vendors had made.
CREATE TABLE adapter_memory (
    number INTEGER PRIMARY KEY,                 -- the order in which keys were first written
    lane INTEGER NOT NULL REFERENCES lanes,
    key TEXT NOT NULL,
    value TEXT NOT NULL,                        -- JSON
    UNIQUE (lane, key)
);
INSERT INTO adapter_memory (lane, key, value)
SELECT lane, slug, json_object('slug', slug, 'kind', kind, 'fields', json(fields), 'primary_id', primary_id,
    'published', published, 'defined', defined) FROM schemas ORDER BY published, number;
DROP TABLE schemas;

CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    owner TEXT,                                 -- null: nobody
    until REAL NOT NULL DEFAULT 0,
    wanted_by TEXT,                             -- who asked for it last while another had it
    wanted_at REAL NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- Who delivers a committed snapshot, as which run, and why the guard is overridden, if it is.
ALTER TABLE snapshots ADD COLUMN run_id TEXT;
ALTER TABLE snapshots ADD COLUMN override TEXT;
ALTER TABLE snapshots ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;      -- grows with every claim
ALTER TABLE snapshots ADD COLUMN owner TEXT;                            -- null: nobody holds it
ALTER TABLE snapshots ADD COLUMN lease_until REAL;
CREATE INDEX snapshots_committed ON snapshots (number) WHERE state = 'committed';
UPDATE snapshots SET run_id = id, override = json_extract(report, '$.override_guard'), report = NULL
WHERE state = 'committed';

CREATE TABLE moved (                            -- what was moved here from another journal: proofport/journal/copying.py
    lane TEXT PRIMARY KEY,
    counted TEXT NOT NULL                       -- what the lane was like there: one that has changed is moved again
);
