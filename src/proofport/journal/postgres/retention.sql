-- What the journal holds, and what of it is old enough to go. Work is done in windows of numbers, each a transaction.

-- name: holdings
-- What it holds: what, rows, bytes of the contents.
SELECT 'deliveries: ' || state, count(*), sum(octet_length(payload) + coalesce(octet_length(bodies), 0))
FROM deliveries GROUP BY state
UNION ALL SELECT 'answers to repeated submissions', count(*), sum(octet_length(answer)) FROM idempotency_records
UNION ALL SELECT 'attempts', count(*), sum(octet_length(message)) FROM attempts
UNION ALL SELECT 'runs', count(*), sum(coalesce(octet_length(report), 0)) FROM runs
UNION ALL SELECT 'batches of runs', count(*), sum(octet_length(outcomes)) FROM batches
UNION ALL SELECT 'snapshots', count(*), sum(coalesce(octet_length(report), 0)) FROM snapshots
UNION ALL SELECT 'parts of open snapshots', count(*), sum(octet_length(payload)) FROM parts
UNION ALL SELECT 'ids of the last delivered state', count(*), sum(octet_length(id)) FROM known
UNION ALL SELECT 'states that are still to be put in order', count(*), sum(pg_column_size(ids)) FROM staged
UNION ALL SELECT 'last bodies', count(*), sum(octet_length(body)) FROM bodies
UNION ALL SELECT 'requests that were about to be sent', count(*), sum(octet_length(content)) FROM intents
UNION ALL SELECT 'tombstones', count(*), sum(coalesce(octet_length(body), 0)) FROM tombstones
UNION ALL SELECT 'receipts', count(*), sum(octet_length(envelope)) FROM receipts
UNION ALL SELECT 'files beside receipts', count(*), sum(octet_length(content)) FROM receipt_files
UNION ALL SELECT 'time stamps', count(*), sum(octet_length(answer)) FROM receipt_stamps
UNION ALL SELECT 'mapping files', count(*), sum(octet_length(content)) FROM kept_texts;

-- name: window_deliveries
-- The last number of the next window.
SELECT max(id) FROM (SELECT id FROM deliveries WHERE id > %(after)s ORDER BY id LIMIT %(limit)s) w;

-- name: window_attempts
-- The last number of the next window.
SELECT max(number) FROM (SELECT number FROM attempts WHERE number > %(after)s ORDER BY number LIMIT %(limit)s) w;

-- name: window_runs
-- The last number of the next window.
SELECT max(number) FROM (SELECT number FROM runs
    WHERE NOT pruned AND number > %(after)s ORDER BY number LIMIT %(limit)s) w;

-- name: window_snapshots
-- The last number of the next window.
SELECT max(number) FROM (SELECT number FROM snapshots WHERE number > %(after)s ORDER BY number LIMIT %(limit)s) w;

-- name: window_receipts
-- The last number of the next window. That of a receipt is the one after its place.
SELECT max(place) + 1 FROM (SELECT place FROM receipts WHERE place >= %(after)s ORDER BY place LIMIT %(limit)s) w;

-- name: keeps_delivery
-- Condition: a delivery `s` is to be kept.
(s.state NOT IN ('done', 'cancelled') OR s.finished IS NULL OR s.finished >= %(before)s)

-- name: old_deliveries
-- Deliveries of a window that have ended, as all that were submitted with them, and that nobody is about to send: their
-- ids, and the bytes.
SELECT d.id, octet_length(d.payload) + coalesce(octet_length(d.bodies), 0) FROM deliveries d
WHERE d.id > %(after)s AND d.id <= %(last)s AND d.state IN ('done', 'cancelled') AND d.finished < %(before)s
    AND d.receipt IS DISTINCT FROM -1
    AND NOT EXISTS (SELECT 1 FROM intents i WHERE i.delivery = d.id)
    AND NOT EXISTS (SELECT 1 FROM deliveries s WHERE s.id = d.submission AND {keeps_delivery})
    AND NOT EXISTS (SELECT 1 FROM deliveries s
        WHERE s.submission = d.submission AND s.submission <> s.id AND {keeps_delivery})
ORDER BY d.id;

-- name: old_records
-- What was answered to submissions of which deliveries go: how many, and the bytes.
SELECT count(*), coalesce(sum(octet_length(answer)), 0) FROM idempotency_records
WHERE submission IN (SELECT submission FROM deliveries WHERE id = ANY(%(ids)s::bigint[])
    AND submission IS NOT NULL);

-- name: prune_records
-- Drops what was answered to submissions of which deliveries go.
DELETE FROM idempotency_records
WHERE submission IN (SELECT submission FROM deliveries WHERE id = ANY(%(ids)s::bigint[])
    AND submission IS NOT NULL);

-- name: prune_deliveries
-- Drops deliveries.
DELETE FROM deliveries WHERE id = ANY(%(ids)s::bigint[]);

-- name: old_attempts
-- Calls of a window that are old: their numbers, and the bytes. Not those for a delivery that waits or is a dead
-- letter, nor those for a run that is open or lacks its receipt.
SELECT a.number, octet_length(a.message) FROM attempts a
WHERE a.number > %(after)s AND a.number <= %(last)s AND a.at < %(before)s
    AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.id = a.delivery AND d.state IN ('queued', 'dead'))
    AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.run_id = a.run_id AND (r.due OR r.state = 'open'))
ORDER BY a.number;

-- name: prune_attempts
-- Drops calls.
DELETE FROM attempts WHERE number = ANY(%(ids)s::bigint[]);

-- name: old_runs
-- Runs of a window that have ended and that nobody goes on with: their numbers, bytes and reports. Not those that lack
-- their receipt.
SELECT r.number, coalesce(octet_length(r.report), 0), r.report FROM runs r
WHERE r.number > %(after)s AND r.number <= %(last)s AND NOT r.pruned AND r.state <> 'open' AND NOT r.due
    AND r.ended < %(before)s
    AND (r.state = 'complete' OR EXISTS (
        SELECT 1 FROM runs l
        WHERE l.lane = r.lane AND l.kind = r.kind AND l.destination = r.destination AND l.number > r.number
    ))
ORDER BY r.number;

-- name: old_batches
-- The batches of runs: how many, and the bytes.
SELECT count(*), coalesce(sum(octet_length(outcomes)), 0) FROM batches
WHERE run = ANY(%(ids)s::bigint[]);

-- name: prune_batches
-- Drops the batches of runs.
DELETE FROM batches
WHERE run = ANY(%(ids)s::bigint[]);

-- name: prune_run
-- Leaves the counts of a report.
UPDATE runs SET report = %(report)s, pruned = true WHERE number = %(number)s;

-- name: old_snapshots
-- Snapshots of a window that have ended: their numbers, and the bytes. Not those of a run that is open or lacks its
-- receipt.
SELECT s.number, coalesce(octet_length(s.report), 0) FROM snapshots s
WHERE s.number > %(after)s AND s.number <= %(last)s AND s.state IN ('delivered', 'aborted', 'expired')
    AND s.expires < %(before)s
    AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.run_id = s.run_id AND (r.due OR r.state = 'open'))
ORDER BY s.number;

-- name: prune_parts
-- Drops the parts of snapshots.
DELETE FROM parts WHERE snapshot = ANY(%(ids)s::bigint[]);

-- name: prune_snapshots
-- Drops snapshots.
DELETE FROM snapshots WHERE number = ANY(%(ids)s::bigint[]);

-- name: old_plain_ids
-- Lists of plain ids beside the receipts of a window that are old: the places, and the bytes.
SELECT f.receipt, octet_length(f.content) FROM receipts r JOIN receipt_files f ON f.receipt = r.place AND f.name = 'ids.plain'
WHERE r.place >= %(after)s AND r.place < %(last)s AND r.at < %(before)s ORDER BY r.place;

-- name: prune_plain_ids
-- Drops lists of plain ids.
DELETE FROM receipt_files WHERE name = 'ids.plain' AND receipt = ANY(%(ids)s::bigint[]);

-- name: bytes
-- The bytes of all tables, with their indexes.
SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
WHERE relkind = 'r' AND relnamespace = (
    SELECT relnamespace FROM pg_class WHERE oid = 'lanes'::regclass
);
