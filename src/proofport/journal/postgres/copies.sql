-- Moving a journal. What is not here is read as it is.

-- name: lock_tables
-- Lets nobody write until the end of the transaction.
LOCK TABLE lanes, lane_runs, deliveries, idempotency_records, runs, batches, attempts, sets, source_names, known,
    staged, bodies, intents, tombstones, adapter_memory, permits, leases, access_keys, snapshots, parts, receipt_branches,
    receipts, receipt_files, receipt_keys, receipt_stamps, kept_texts, causes, notices IN SHARE MODE;

-- name: read_lanes
-- A lane; its rest goes on.
SELECT l.number, l.lane, l.next_at, l.parked, CASE WHEN l.parked IS NULL AND {has_work} THEN l.next_at END
FROM lanes l WHERE l.number = %(lane)s;

-- name: read_known
-- What is known of the ids of a lane.
SELECT k.of_set, k.id, k.run, CASE WHEN k.cuts < s.cuts AND k.body <> 1 THEN 2 ELSE k.body END, k.observed,
    k.source, k.spelling
FROM known k JOIN sets s ON s.number = k.of_set WHERE s.lane = %(lane)s ORDER BY k.of_set, k.id;

-- name: fingerprint
-- A text that changes when anything of a lane does.
SELECT json_build_array(r.epoch, l.next_at, l.parked,
    (SELECT json_build_array(count(*), max(id), sum(attempts), count(*) FILTER (WHERE state = 'queued'))
        FROM deliveries WHERE lane = l.number),
    (SELECT json_build_array(count(*), max(ended), sum(length(memory))) FROM runs WHERE lane = l.number),
    (SELECT max(number) FROM attempts WHERE lane = l.number),
    (SELECT json_build_array(count(*), sum(k.body), sum(k.observed), sum(k.cuts)) FROM known k
        JOIN sets s ON s.number = k.of_set WHERE s.lane = l.number),
    (SELECT json_build_array(count(*), sum(i.run), sum(i.batch), sum(length(i.content))) FROM intents i
        JOIN sets s ON s.number = i.of_set WHERE s.lane = l.number),
    (SELECT json_build_array(count(*), count(t.body), sum(t.gone_at)) FROM tombstones t
        JOIN sets s ON s.number = t.of_set WHERE s.lane = l.number),
    (SELECT json_agg(value ORDER BY number) FROM adapter_memory WHERE lane = l.number))::text
FROM lanes l JOIN lane_runs r ON r.lane = l.number WHERE l.number = %(lane)s;

-- name: working
-- Somebody who works on a lane or a commit.
SELECT r.owner, 'the lane ' || l.lane FROM lanes l JOIN lane_runs r ON r.lane = l.number
WHERE r.owner IS NOT NULL AND r.lease_until > journal_now(%(now)s)
UNION ALL
SELECT owner, 'the snapshot ' || id FROM snapshots
WHERE state = 'committed' AND owner IS NOT NULL AND lease_until > journal_now(%(now)s)
LIMIT 1;

-- name: holds_work
-- Whether the journal holds anything that a journal moved here would come after.
SELECT EXISTS (SELECT 1 FROM lanes) OR EXISTS (SELECT 1 FROM access_keys) OR EXISTS (SELECT 1 FROM snapshots);

-- name: lock_moves
-- True: nobody else moves a journal here, as long as this connection lives.
SELECT pg_try_advisory_lock(%(lock)s);

-- name: all_lanes
-- The lanes in the order in which they are moved.
SELECT number, lane FROM lanes ORDER BY number;

-- name: begin_above
-- Lets new numbers of a table begin above those that were moved.
SELECT setval(pg_get_serial_sequence(%(table)s, %(column)s), %(highest)s);

-- name: noted
-- What is noted of a move.
SELECT counted FROM moved WHERE lane = %(lane)s;

-- name: note
-- Notes something of a move.
INSERT INTO moved (lane, counted) VALUES (%(lane)s, %(counted)s)
ON CONFLICT (lane) DO UPDATE SET counted = excluded.counted;

-- name: forget_notes
-- Forgets what was noted.
DELETE FROM moved;
