-- The last delivered state: a log that a push appends to, and a table that it is folded into when someone asks.

-- name: find_set
-- The set of a lane and kind.
SELECT number FROM sets WHERE lane = :lane AND kind = :kind;

-- name: make_set
-- Makes the set of a lane and kind.
INSERT INTO sets (lane, kind, keyed) VALUES (:lane, :kind, 1);

-- name: set_of
-- The set of a lane, by its name, and kind.
SELECT s.number FROM sets s JOIN lanes l ON l.number = s.lane WHERE l.lane = :lane AND s.kind = :kind;

-- name: log
-- Notes what was delivered, in one row, whatever the number of ids.
INSERT INTO sent (of_set, run, removed, records, ids, bodies, observed, sources, spellings)
VALUES (:set, :run, :removed, :records, :ids, :bodies, :observed, :sources, :spellings);

-- name: keep_body
-- Keeps the body of an id.
INSERT OR REPLACE INTO bodies (of_set, id, body, run, delivery) VALUES (:set, :id, :body, :run, :delivery);

-- name: empty_body
-- Empties the body of an id that was removed.
UPDATE bodies SET body = x'', run = :run, delivery = :delivery WHERE of_set = :set AND id = :id;

-- name: drop_unfinished
-- Drops what older staged runs logged and never completed: it will not be delivered any more.
DELETE FROM sent WHERE of_set = (SELECT number FROM sets WHERE lane = :lane AND kind = :kind) AND run IN (
    SELECT number FROM runs
    WHERE lane = :lane AND destination = :destination AND kind = :kind AND staged AND state <> 'complete'
        AND number < :run
);

-- name: doubt_staged
-- Puts what a staged run has logged in doubt: no bodies say so. It belongs to the set of no run any more.
UPDATE sent SET run = :run, bodies = x'' WHERE run = :of_run AND NOT removed;

-- name: skip_turn
-- Takes a turn in the log, so that what comes later can be told from what was before.
UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'sent';

-- name: doubt_set
-- Notes that all of a set up to now may have been overwritten.
UPDATE sets SET doubted = ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'sent'), 0) WHERE number = :set;

-- name: doubt_kind
-- Doubts all that was delivered of a kind. It has been folded before.
UPDATE known SET body = :doubt
WHERE body <> 0 AND of_set IN (SELECT number FROM sets WHERE lane = :number AND kind = :kind);

-- name: body_now
-- The digest of a body of `known`, 2 (PERHAPS_OVERWRITTEN) where it was doubted since; 1 is IN_DOUBT already.
iif(known.turn <= (SELECT doubted FROM sets WHERE number = known.of_set) AND known.body NOT IN (0, 1), 2, known.body)

-- name: to_fold
-- Rows of the log of a set, all but those of staged runs that are named already.
FROM sent s LEFT JOIN runs r ON r.number = s.run
WHERE s.of_set = :set AND NOT ifnull(r.staged AND r.settled IS NULL AND s.turn <= r.named, 0)

-- name: is_to_fold
-- One row if a set has rows to fold.
SELECT 1 {to_fold} LIMIT 1;

-- name: log_to_fold
-- The rows to fold: place, run, turn, whether they remove, whether they only name their ids, and what they hold.
SELECT s.turn, s.run, ifnull(r.settled, s.turn), s.removed, r.staged AND r.settled IS NULL, s.ids, s.bodies, s.observed,
    s.sources, s.spellings
{to_fold};

-- name: fold
-- Folds one id. An older turn never wins, so that folding may be repeated. A body in doubt (1) over one that was
-- delivered makes that one 2 (PERHAPS_OVERWRITTEN).
INSERT INTO known (of_set, id, run, turn, body, observed, source, spelling) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET run = ifnull(excluded.run, run), turn = excluded.turn,
    body = iif(excluded.body = 1 AND known.body NOT IN (0, 1), 2, ifnull(excluded.body, {body_now})), observed = iif(excluded.body IS NULL, observed, excluded.observed),
    source = iif(excluded.source = 0, source, excluded.source),
    spelling = iif(ifnull(known.body, 0) = 0, excluded.spelling, spelling)
WHERE excluded.turn >= turn;

-- name: folded
-- Drops a row of the log that was folded.
DELETE FROM sent WHERE turn = :turn;

-- name: named
-- Notes up to where the ids of a staged run are known as its set.
UPDATE runs SET named = :turn WHERE number = :run;

-- name: waiting_ids
-- The number of ids of a set in the log.
SELECT ifnull(sum(records), 0) FROM sent WHERE of_set = :set;

-- name: known
-- What was last delivered for an id.
SELECT {body_now}, observed, source FROM known WHERE of_set = :set AND id = :id AND body <> 0;

-- name: known_count
-- The number of ids that are known.
SELECT count(*) FROM known WHERE of_set = :set AND body <> 0;

-- name: gone
-- Ids that are known, and that do not belong to the set of a run.
SELECT id FROM known WHERE of_set = :set AND id > :after AND body <> 0
    AND ifnull(run, 0) NOT IN (SELECT number FROM runs WHERE run_id = :run_id)
ORDER BY id LIMIT :limit;

-- name: kept_body
-- The body of an id.
SELECT body FROM bodies WHERE of_set = :set AND id = :id;

-- name: kept
-- Ids with a body that is kept, and what sent or removed it.
SELECT b.id, r.run_id, b.body, b.delivery, ifnull(k.body, 0) = 0 FROM bodies b
LEFT JOIN known k ON k.of_set = b.of_set AND k.id = b.id LEFT JOIN runs r ON r.number = b.run
WHERE b.of_set = :set AND b.id > :after AND (k.body <> 0 OR b.body = x'') ORDER BY b.id LIMIT :limit;

-- name: missing_since
-- When the ids that are missing, or gone, were first missing.
SELECT id, gone_at FROM tombstones WHERE of_set = :set;

-- name: drop_missing
-- Drops what was noted of ids that were missing, and are not gone.
DELETE FROM tombstones WHERE of_set = :set AND body IS NULL;

-- name: note_missing
-- Notes when an id was first missing.
INSERT INTO tombstones (of_set, id, gone_at) VALUES (:set, :id, :gone_at) ON CONFLICT DO NOTHING;

-- name: keep_tombstone
-- Keeps the body of an id that is gone. When it was first missing stays.
INSERT INTO tombstones (of_set, id, body, gone_at)
SELECT of_set, id, body, :gone_at FROM bodies WHERE of_set = :set AND id = :id AND body <> x''
ON CONFLICT (of_set, id) DO UPDATE SET body = excluded.body;

-- name: drop_old_tombstones
-- Drops what has been gone for too long.
DELETE FROM tombstones WHERE of_set = :set AND gone_at < :since;

-- name: has_tombstones
-- One row if anything of a set is gone, or missing.
SELECT 1 FROM tombstones WHERE of_set = :set LIMIT 1;

-- name: drop_tombstone
-- Drops the tombstone of an id.
DELETE FROM tombstones WHERE of_set = :set AND id = :id;

-- name: tombstones
-- What is gone, with the last body and the time.
SELECT id, body, gone_at FROM tombstones
WHERE of_set = :set AND body IS NOT NULL AND gone_at >= :since AND id > :after ORDER BY id LIMIT :limit;

-- name: spelling_state
-- True and false: every id stands under its key; some id is, or was, written otherwise.
SELECT keyed, spelled FROM sets WHERE number = :set;

-- name: note_spelled
-- Notes that some id is written otherwise than its key.
UPDATE sets SET spelled = 1 WHERE number = :set AND spelled = 0;

-- name: note_keyed
-- Notes that every id stands under its key.
UPDATE sets SET keyed = 1 WHERE number = :set;

-- name: free_key
-- Makes way for an id under its key, where what stood there is known no more.
DELETE FROM known WHERE of_set = :set AND id = :key AND ifnull(body, 0) = 0;

-- name: rekey
-- Moves an id under its key, unless another id stands there.
UPDATE OR IGNORE known SET id = :key, spelling = ifnull(spelling, :id) WHERE of_set = :set AND id = :id;

-- name: free_body
-- Makes way for the body of an id under its key.
DELETE FROM bodies WHERE of_set = :set AND id = :key;

-- name: rekey_body
-- Moves the body of an id under its key.
UPDATE bodies SET id = :key WHERE of_set = :set AND id = :id;

-- name: note_arrived
-- Notes when something of a kind arrived, and if the set is complete now.
UPDATE sets SET complete_at = CASE WHEN :complete THEN :now ELSE complete_at END,
    delivered_at = CASE WHEN :delivered THEN :now ELSE delivered_at END,
    confirmed_at = CASE WHEN :confirmed THEN :now ELSE confirmed_at END
WHERE number = :set;

-- name: arrivals
-- When something of each kind last arrived in each lane.
SELECT l.lane, s.kind, s.complete_at, s.delivered_at, s.confirmed_at
FROM sets s JOIN lanes l ON l.number = s.lane ORDER BY l.lane, s.kind;
