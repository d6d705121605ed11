-- Snapshots that come in parts. proofport/journal/contract/snapshots.py draws their states.

-- name: snapshot_state
-- The state as it is seen: one whose time is over is expired.
CASE WHEN state = 'open' AND expires <= journal_now(%(now)s) THEN 'expired' ELSE state END

-- name: snapshot_columns
-- The fields of a view, in their order.
id, tenant, kind, destinations, {snapshot_state}, created, expires, parts, records, report

-- name: open_snapshot
-- Opens a snapshot.
INSERT INTO snapshots (id, tenant, kind, destinations, lifetime, created, expires)
SELECT %(id)s, %(tenant)s, %(kind)s, %(destinations)s, %(lifetime)s, t.now, t.now + %(lifetime)s
FROM (SELECT journal_now(%(now)s) AS now) t;

-- name: snapshot
-- One snapshot.
SELECT {snapshot_columns} FROM snapshots WHERE id = %(id)s;

-- name: snapshots
-- The latest snapshots, of a tenant or in a state, if these are given.
SELECT {snapshot_columns} FROM snapshots
WHERE tenant = coalesce(%(tenant)s, tenant) AND {snapshot_state} = coalesce(%(state)s, {snapshot_state})
ORDER BY number DESC LIMIT %(limit)s;

-- name: locked_open_snapshot
-- The number of a snapshot, if it is open. Nobody else changes it until the end of the transaction.
SELECT number FROM snapshots WHERE id = %(id)s AND state = 'open' AND expires > journal_now(%(now)s)
FOR NO KEY UPDATE;

-- name: put_part
-- Adds a part, or replaces the one of its name.
INSERT INTO parts (snapshot, name, records, payload, pages, source, skipped)
VALUES (%(number)s, %(name)s, %(records)s, %(payload)s, %(pages)s, %(source)s, %(skipped)s)
ON CONFLICT (snapshot, name) DO UPDATE SET records = excluded.records, payload = excluded.payload,
    pages = excluded.pages, source = excluded.source, skipped = excluded.skipped;

-- name: count_parts
-- Counts the parts of a snapshot anew, and gives it another lifetime.
UPDATE snapshots SET expires = journal_now(%(now)s) + lifetime,
    (parts, records) = (SELECT count(*), sum(records) FROM parts WHERE snapshot = snapshots.number)
WHERE number = %(number)s;

-- name: records_in_parts
-- How many parts a snapshot has, and how many records came with them, the skipped ones included.
SELECT count(*), coalesce(sum(records + skipped), 0) FROM parts WHERE snapshot = %(number)s;

-- name: parts
-- Some parts of a snapshot, in the order of their names.
SELECT name, records, payload, pages, source, skipped FROM parts
WHERE snapshot = (SELECT number FROM snapshots WHERE id = %(id)s) AND name > %(after)s ORDER BY name LIMIT %(limit)s;

-- name: drop_parts
-- Drops the parts of a snapshot.
DELETE FROM parts WHERE snapshot = (SELECT number FROM snapshots WHERE id = %(id)s);

-- name: abort_snapshot
-- Gives up an open snapshot.
UPDATE snapshots SET state = 'aborted' WHERE id = %(id)s AND state = 'open' AND expires > journal_now(%(now)s);

-- name: locked_expired_snapshots
-- The ids of open snapshots whose time is over.
SELECT id FROM snapshots WHERE state = 'open' AND expires <= journal_now(%(now)s)
ORDER BY number FOR NO KEY UPDATE SKIP LOCKED;

-- name: expire_snapshot
-- Ends an open snapshot.
UPDATE snapshots SET state = 'expired' WHERE id = %(id)s;

-- name: commit_snapshot
-- Commits a snapshot that is locked.
UPDATE snapshots SET state = 'committed', run_id = %(run_id)s, override = %(override)s,
    left_out = %(left_out)s
WHERE id = %(id)s;

-- name: claimable_commit
-- The oldest committed snapshot that nobody holds, of a tenant that is not full, or the one that is asked for, with what
-- its commit says.
SELECT {snapshot_columns}, run_id, override, left_out, epoch, owner, breakdowns + (owner IS NOT NULL)::integer
FROM snapshots
WHERE state = 'committed' AND (owner IS NULL OR lease_until <= journal_now(%(now)s)) AND id = coalesce(%(id)s, id)
    AND tenant <> ALL(%(full)s::text[])
ORDER BY number LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;

-- name: take_commit
-- Gives a committed snapshot to an owner, under a new epoch.
UPDATE snapshots SET epoch = %(epoch)s, owner = %(owner)s, lease_until = journal_now(%(now)s) + %(lease)s,
    breakdowns = %(breakdowns)s
WHERE id = %(id)s;

-- name: commit_is_ours
-- True while nobody has taken a commit over.
id = %(id)s AND state = 'committed' AND epoch = %(epoch)s AND owner IS NOT NULL

-- name: renew_commit
-- Extends the lease of a commit.
UPDATE snapshots SET lease_until = journal_now(%(now)s) + %(lease)s WHERE {commit_is_ours};

-- name: release_commit
-- Gives a commit back.
UPDATE snapshots SET owner = NULL, lease_until = NULL, breakdowns = 0 WHERE {commit_is_ours};

-- name: end_commit
-- Ends a commit with its report. An open snapshot begins a new lifetime.
UPDATE snapshots SET state = %(state)s, report = %(report)s, expires = journal_now(%(now)s) + lifetime, owner = NULL, lease_until = NULL,
    breakdowns = 0
WHERE {commit_is_ours};
