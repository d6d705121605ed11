-- Snapshots that come in parts. proofport/journal/contract/snapshots.py draws their states.

-- name: snapshot_state
-- The state as it is seen: one whose time is over is expired.
iif(state = 'open' AND expires <= :now, 'expired', state)

-- name: snapshot_columns
-- The fields of a view, in their order.
id, tenant, kind, destinations, {snapshot_state}, created, expires, parts, records, report

-- name: open_snapshot
-- Opens a snapshot.
INSERT INTO snapshots (id, tenant, kind, destinations, lifetime, created, expires)
VALUES (:id, :tenant, :kind, :destinations, :lifetime, :now, :now + :lifetime);

-- name: snapshot
-- One snapshot.
SELECT {snapshot_columns} FROM snapshots WHERE id = :id;

-- name: snapshots
-- The latest snapshots, of a tenant or in a state, if these are given.
SELECT {snapshot_columns} FROM snapshots
WHERE tenant = ifnull(:tenant, tenant) AND {snapshot_state} = ifnull(:state, {snapshot_state})
ORDER BY number DESC LIMIT :limit;

-- name: locked_open_snapshot
-- The number of a snapshot, if it is open. Nobody else changes it until the end of the transaction.
SELECT number FROM snapshots WHERE id = :id AND state = 'open' AND expires > :now;

-- name: put_part
-- Adds a part, or replaces the one of its name.
INSERT OR REPLACE INTO parts (snapshot, name, records, payload, pages, source, skipped)
VALUES (:number, :name, :records, :payload, :pages, :source, :skipped);

-- name: count_parts
-- Counts the parts of a snapshot anew, and gives it another lifetime.
UPDATE snapshots SET expires = :now + lifetime,
    (parts, records) = (SELECT count(*), sum(records) FROM parts WHERE snapshot = snapshots.number)
WHERE number = :number;

-- name: records_in_parts
-- How many parts a snapshot has, and how many records came with them, the skipped ones included.
SELECT count(*), coalesce(sum(records + skipped), 0) FROM parts WHERE snapshot = :number;

-- name: parts
-- Some parts of a snapshot, in the order of their names.
SELECT name, records, payload, pages, source, skipped FROM parts
WHERE snapshot = (SELECT number FROM snapshots WHERE id = :id) AND name > :after ORDER BY name LIMIT :limit;

-- name: drop_parts
-- Drops the parts of a snapshot.
DELETE FROM parts WHERE snapshot = (SELECT number FROM snapshots WHERE id = :id);

-- name: abort_snapshot
-- Gives up an open snapshot.
UPDATE snapshots SET state = 'aborted' WHERE id = :id AND state = 'open' AND expires > :now;

-- name: locked_expired_snapshots
-- The ids of open snapshots whose time is over.
SELECT id FROM snapshots WHERE state = 'open' AND expires <= :now;

-- name: expire_snapshot
-- Ends an open snapshot.
UPDATE snapshots SET state = 'expired' WHERE id = :id;

-- name: commit_snapshot
-- Commits a snapshot that is locked.
UPDATE snapshots SET state = 'committed', run_id = :run_id, override = :override, left_out = :left_out
WHERE id = :id;

-- name: claimable_commit
-- The oldest committed snapshot that nobody holds, of a tenant that is not full, or the one that is asked for, with what
-- its commit says.
SELECT {snapshot_columns}, run_id, override, left_out, epoch, owner, breakdowns + (owner IS NOT NULL)
FROM snapshots
WHERE state = 'committed' AND (owner IS NULL OR lease_until <= :now) AND id = ifnull(:id, id)
    AND tenant NOT IN (SELECT value FROM json_each(:full))
ORDER BY number LIMIT 1;

-- name: take_commit
-- Gives a committed snapshot to an owner, under a new epoch.
UPDATE snapshots SET epoch = :epoch, owner = :owner, lease_until = :now + :lease, breakdowns = :breakdowns
WHERE id = :id;

-- name: commit_is_ours
-- True while nobody has taken a commit over.
id = :id AND state = 'committed' AND epoch = :epoch AND owner IS NOT NULL

-- name: renew_commit
-- Extends the lease of a commit.
UPDATE snapshots SET lease_until = :now + :lease WHERE {commit_is_ours};

-- name: release_commit
-- Gives a commit back.
UPDATE snapshots SET owner = NULL, lease_until = NULL, breakdowns = 0 WHERE {commit_is_ours};

-- name: end_commit
-- Ends a commit with its report. An open snapshot begins a new lifetime.
UPDATE snapshots SET state = :state, report = :report, expires = :now + lifetime, owner = NULL, lease_until = NULL,
    breakdowns = 0
WHERE {commit_is_ours};
