-- What the journal holds, and what of it is old enough to go. Work is done in windows of numbers, each a transaction.

-- name: holdings
-- What it holds: what, rows, bytes of the contents.
SELECT 'deliveries: ' || state, count(*), sum(length(payload) + coalesce(length(bodies), 0))
FROM deliveries GROUP BY state
UNION ALL SELECT 'answers to repeated submissions', count(*), sum(length(answer)) FROM idempotency_records
UNION ALL SELECT 'attempts', count(*), sum(length(CAST(message AS BLOB))) FROM attempts
UNION ALL SELECT 'runs', count(*), sum(coalesce(length(CAST(report AS BLOB)), 0)) FROM runs
UNION ALL SELECT 'batches of runs', count(*), sum(length(CAST(outcomes AS BLOB))) FROM batches
UNION ALL SELECT 'snapshots', count(*), sum(coalesce(length(CAST(report AS BLOB)), 0)) FROM snapshots
UNION ALL SELECT 'parts of open snapshots', count(*), sum(length(payload)) FROM parts
UNION ALL SELECT 'ids of the last delivered state', count(*), sum(length(CAST(id AS BLOB))) FROM known
UNION ALL SELECT 'states that are still to be put in order', count(*), sum(length(ids)) FROM sent
UNION ALL SELECT 'last bodies', count(*), sum(length(body)) FROM bodies
UNION ALL SELECT 'requests that were about to be sent', count(*), sum(length(content)) FROM intents
UNION ALL SELECT 'tombstones', count(*), sum(coalesce(length(body), 0)) FROM tombstones
UNION ALL SELECT 'receipts', count(*), sum(length(envelope)) FROM receipts
UNION ALL SELECT 'files beside receipts', count(*), sum(length(content)) FROM receipt_files
UNION ALL SELECT 'time stamps', count(*), sum(length(answer)) FROM receipt_stamps
UNION ALL SELECT 'mapping files', count(*), sum(length(content)) FROM kept_texts;

-- name: window_deliveries
-- The last number of the next window.
SELECT max(id) FROM (SELECT id FROM deliveries WHERE id > :after ORDER BY id LIMIT :limit) w;

-- name: window_attempts
-- The last number of the next window.
SELECT max(number) FROM (SELECT number FROM attempts WHERE number > :after ORDER BY number LIMIT :limit) w;

-- name: window_runs
-- The last number of the next window.
SELECT max(number) FROM (SELECT number FROM runs
    WHERE NOT pruned AND number > :after ORDER BY number LIMIT :limit) w;

-- name: window_snapshots
-- The last number of the next window.
SELECT max(number) FROM (SELECT number FROM snapshots WHERE number > :after ORDER BY number LIMIT :limit) w;

-- name: window_receipts
-- The last number of the next window. That of a receipt is the one after its place.
SELECT max(place) + 1 FROM (SELECT place FROM receipts WHERE place >= :after ORDER BY place LIMIT :limit) w;

-- name: keeps_delivery
-- Condition: a delivery `s` is to be kept.
(s.state NOT IN ('done', 'cancelled') OR s.finished IS NULL OR s.finished >= :before)

-- name: old_deliveries
-- Deliveries of a window that have ended, as all that were submitted with them, and that nobody is about to send: their
-- ids, and the bytes.
SELECT d.id, length(d.payload) + coalesce(length(d.bodies), 0) FROM deliveries d
WHERE d.id > :after AND d.id <= :last AND d.state IN ('done', 'cancelled') AND d.finished < :before
    AND d.receipt IS NOT -1
    AND NOT EXISTS (SELECT 1 FROM intents i WHERE i.delivery = d.id)
    AND NOT EXISTS (SELECT 1 FROM deliveries s WHERE s.id = d.submission AND {keeps_delivery})
    AND NOT EXISTS (SELECT 1 FROM deliveries s
        WHERE s.submission = d.submission AND s.submission <> s.id AND {keeps_delivery})
ORDER BY d.id;

-- name: old_records
-- What was answered to submissions of which deliveries go: how many, and the bytes.
SELECT count(*), coalesce(sum(length(answer)), 0) FROM idempotency_records
WHERE submission IN (SELECT submission FROM deliveries WHERE id IN (SELECT value FROM json_each(:ids))
    AND submission IS NOT NULL);

-- name: prune_records
-- Drops what was answered to submissions of which deliveries go.
DELETE FROM idempotency_records
WHERE submission IN (SELECT submission FROM deliveries WHERE id IN (SELECT value FROM json_each(:ids))
    AND submission IS NOT NULL);

-- name: prune_deliveries
-- Drops deliveries.
DELETE FROM deliveries WHERE id IN (SELECT value FROM json_each(:ids));

-- name: old_attempts
-- Calls of a window that are old: their numbers, and the bytes. Not those for a delivery that waits or is a dead
-- letter, nor those for a run that is open or lacks its receipt.
SELECT a.number, length(CAST(a.message AS BLOB)) FROM attempts a
WHERE a.number > :after AND a.number <= :last AND a.at < :before
    AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.id = a.delivery AND d.state IN ('queued', 'dead'))
    AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.run_id = a.run_id AND (r.due OR r.state = 'open'))
ORDER BY a.number;

-- name: prune_attempts
-- Drops calls.
DELETE FROM attempts WHERE number IN (SELECT value FROM json_each(:ids));

-- name: old_runs
-- Runs of a window that have ended and that nobody goes on with: their numbers, bytes and reports. Not those that lack
-- their receipt.
SELECT r.number, coalesce(length(CAST(r.report AS BLOB)), 0), r.report FROM runs r
WHERE r.number > :after AND r.number <= :last AND NOT r.pruned AND r.state <> 'open' AND NOT r.due
    AND r.ended < :before
    AND (r.state = 'complete' OR EXISTS (
        SELECT 1 FROM runs l
        WHERE l.lane = r.lane AND l.kind = r.kind AND l.destination = r.destination AND l.number > r.number
    ))
ORDER BY r.number;

-- name: old_batches
-- The batches of runs: how many, and the bytes.
SELECT count(*), coalesce(sum(length(CAST(outcomes AS BLOB))), 0) FROM batches
WHERE run IN (SELECT value FROM json_each(:ids));

-- name: prune_batches
-- Drops the batches of runs.
DELETE FROM batches
WHERE run IN (SELECT value FROM json_each(:ids));

-- name: prune_run
-- Leaves the counts of a report.
UPDATE runs SET report = :report, pruned = true WHERE number = :number;

-- name: old_snapshots
-- Snapshots of a window that have ended: their numbers, and the bytes. Not those of a run that is open or lacks its
-- receipt.
SELECT s.number, coalesce(length(CAST(s.report AS BLOB)), 0) FROM snapshots s
WHERE s.number > :after AND s.number <= :last AND s.state IN ('delivered', 'aborted', 'expired')
    AND s.expires < :before
    AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.run_id = s.run_id AND (r.due OR r.state = 'open'))
ORDER BY s.number;

-- name: prune_parts
-- Drops the parts of snapshots.
DELETE FROM parts WHERE snapshot IN (SELECT value FROM json_each(:ids));

-- name: prune_snapshots
-- Drops snapshots.
DELETE FROM snapshots WHERE number IN (SELECT value FROM json_each(:ids));

-- name: old_plain_ids
-- Lists of plain ids beside the receipts of a window that are old: the places, and the bytes.
SELECT f.receipt, length(f.content) FROM receipts r JOIN receipt_files f ON f.receipt = r.place AND f.name = 'ids.plain'
WHERE r.place >= :after AND r.place < :last AND r.at < :before ORDER BY r.place;

-- name: prune_plain_ids
-- Drops lists of plain ids.
DELETE FROM receipt_files WHERE name = 'ids.plain' AND receipt IN (SELECT value FROM json_each(:ids));

-- name: pages
-- The size of a page, how many there are, how many of them are free, and whether the file can shrink: 2.
SELECT s.page_size, n.page_count, f.freelist_count, v.auto_vacuum FROM pragma_page_size() s, pragma_page_count() n,
    pragma_freelist_count() f, pragma_auto_vacuum() v;
