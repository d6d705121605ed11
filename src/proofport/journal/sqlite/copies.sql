-- Moving and restoring a journal. What is not here is read and written as it is.

-- name: read_lanes
-- A lane; its rest goes on.
SELECT number, lane, next_at, parked, CASE WHEN parked IS NULL AND {has_work} THEN next_at END
FROM lanes WHERE number = :lane;

-- name: read_lane_runs
-- How often a lane was claimed.
SELECT number, epoch FROM lanes WHERE number = :lane;

-- name: write_lane_runs
-- Goes on with the epochs of a lane.
UPDATE lanes SET epoch = ?2 WHERE number = ?1;

-- name: read_known
-- What is known of the ids of a lane. What was removed is not.
SELECT of_set, id, run, {body_now}, observed, source, spelling FROM known
WHERE of_set IN (SELECT number FROM sets WHERE lane = :lane) AND body IS NOT 0 ORDER BY of_set, id;

-- name: write_known
-- What is known of an id. It is older than all that is delivered here, and younger than what was doubted never.
INSERT INTO known (of_set, id, run, body, observed, source, spelling, turn) VALUES (?, ?, ?, ?, ?, ?, ?, 0.5);

-- name: read_staged
-- What staged runs have sent that are not complete.
SELECT s.turn, s.run, s.removed, s.ids, s.bodies, s.observed, s.sources, s.spellings FROM sent s JOIN runs r ON r.number = s.run
WHERE r.lane = :lane AND r.staged AND r.settled IS NULL;

-- name: write_staged
-- What a staged run has sent: turn, run, removed, ids, bodies, observed, sources, spellings, and the number of ids.
INSERT INTO sent (turn, run, removed, ids, bodies, observed, sources, spellings, records, of_set)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, s.number FROM runs r JOIN sets s ON s.lane = r.lane AND s.kind = r.kind
WHERE r.number = ?2;

-- name: begin_turns
-- Lets the turns of the log begin above those that were moved, and above that of `known`.
INSERT INTO sqlite_sequence (name, seq) SELECT 'sent', 1
WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'sent');

-- name: fingerprint
-- A text that changes when anything of a lane does.
SELECT json_array(epoch, next_at, parked,
    (SELECT json_array(count(*), max(id), sum(attempts), sum(state = 'queued')) FROM deliveries
        WHERE lane = l.number),
    (SELECT json_array(count(*), max(ended), sum(length(memory))) FROM runs WHERE lane = l.number),
    (SELECT max(number) FROM attempts WHERE lane = l.number),
    (SELECT json_array(count(*), sum(body IS NOT 0), max(turn)) FROM known
        WHERE of_set IN (SELECT number FROM sets WHERE lane = l.number)),
    (SELECT json_array(count(*), sum(run), sum(batch), sum(length(content))) FROM intents
        WHERE of_set IN (SELECT number FROM sets WHERE lane = l.number)),
    (SELECT json_array(count(*), count(body), sum(gone_at)) FROM tombstones
        WHERE of_set IN (SELECT number FROM sets WHERE lane = l.number)),
    (SELECT json_group_array(value) FROM adapter_memory WHERE lane = l.number))
FROM lanes l WHERE number = :lane;

-- name: working
-- Somebody who works on a lane or a commit.
SELECT owner, 'the lane ' || lane FROM lanes WHERE owner IS NOT NULL AND lease_until > :now
UNION ALL
SELECT owner, 'the snapshot ' || id FROM snapshots
WHERE state = 'committed' AND owner IS NOT NULL AND lease_until > :now
LIMIT 1;

-- name: unfolded
-- The number of rows of the log that are not folded: none, when nobody writes.
SELECT count(*) FROM sent s LEFT JOIN runs r ON r.number = s.run
WHERE NOT ifnull(r.staged AND r.settled IS NULL AND s.turn <= r.named, 0);

-- name: sets_to_fold
-- All lanes and kinds.
SELECT l.lane, s.kind FROM sets s JOIN lanes l ON l.number = s.lane;

-- name: noted
-- What is noted of a move.
SELECT counted FROM moved WHERE lane = :lane;

-- name: note
-- Notes something of a move.
INSERT INTO moved (lane, counted) VALUES (:lane, :counted) ON CONFLICT (lane) DO UPDATE SET counted = excluded.counted;

-- name: forget_notes
-- Forgets what was noted.
DELETE FROM moved;

-- name: doubt_all
-- Notes that everything that was delivered may have been overwritten since.
UPDATE sets SET doubted = ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'sent'), 0);

-- name: undo_replaced
-- Makes a journal usable that a backup had replaced.
DELETE FROM moved WHERE lane = :lane AND counted = :replaced;

-- name: restored
-- When something was last written; the number of deliveries that wait, of their records, and of their lanes.
SELECT (SELECT max(at) FROM (
    SELECT max(created) AS at FROM deliveries UNION ALL SELECT max(finished) FROM deliveries
    UNION ALL SELECT max(started) FROM runs UNION ALL SELECT max(ended) FROM runs)),
    count(*), ifnull(sum(records), 0), count(DISTINCT lane)
FROM deliveries WHERE state = 'queued';

-- name: open_runs
-- The runs that are open.
SELECT run_id FROM runs WHERE state = 'open' ORDER BY number;
