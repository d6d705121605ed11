-- One id, wherever it stands.

-- name: places_of
-- Where ids stand in the last delivered state: lane, kind, id, digest, and whether a body and a tombstone are kept.
SELECT l.lane, s.kind, u.id, coalesce(k.body, 0), b.id IS NOT NULL, t.id IS NOT NULL
FROM (
    SELECT of_set, id FROM known WHERE id IN (SELECT value FROM json_each(:keys))
    UNION SELECT of_set, id FROM bodies WHERE id IN (SELECT value FROM json_each(:keys))
    UNION SELECT of_set, id FROM tombstones WHERE id IN (SELECT value FROM json_each(:keys))
) u
JOIN sets s ON s.number = u.of_set JOIN lanes l ON l.number = s.lane
LEFT JOIN known k ON k.of_set = u.of_set AND k.id = u.id
LEFT JOIN bodies b ON b.of_set = u.of_set AND b.id = u.id
LEFT JOIN tombstones t ON t.of_set = u.of_set AND t.id = u.id
ORDER BY l.lane, s.kind, u.id;

-- name: erase_body
-- Drops the body of an id.
DELETE FROM bodies WHERE of_set = ({set_of}) AND id = :id;

-- name: erase_missing
-- Drops an id that was missing from a set, and of which no body is kept.
DELETE FROM tombstones WHERE of_set = ({set_of}) AND id = :id AND body IS NULL;

-- name: erase_known
-- Drops an id that is known, and not held any more.
DELETE FROM known WHERE of_set = ({set_of}) AND id = :id AND body = 0;

-- name: all_intents
-- All that somebody was about to send.
SELECT content FROM intents;

-- name: erase_records
-- Replaces the content of a delivery that has ended, unless it has changed.
UPDATE deliveries SET payload = :payload, records = :left, bodies = :bodies, outcome = :outcome, detail = :detail,
    state = :becomes, finished = coalesce(finished, :now)
WHERE id = :id AND state = :state AND records = :records;

-- name: erase_attempts
-- Drops the calls for deliveries.
DELETE FROM attempts WHERE delivery IN (SELECT value FROM json_each(:ids));

-- name: attempts_that_say
-- Calls whose message has a text: numbers and messages.
SELECT number, message FROM attempts WHERE instr(message, :says) > 0;

-- name: reports_that_say
-- Reports of runs that have a text.
SELECT number, report FROM runs WHERE instr(report, :says) > 0;

-- name: put_report
-- Replaces the report of a run.
UPDATE runs SET report = :text WHERE number = :number;

-- name: batches_that_say
-- Batches whose outcomes have a text.
SELECT run, number, outcomes FROM batches WHERE instr(outcomes, :says) > 0;

-- name: put_outcomes
-- Replaces the outcomes of a batch.
UPDATE batches SET outcomes = :text WHERE run = :run AND number = :number;

-- name: snapshots_that_say
-- Reports of snapshots that have a text.
SELECT number, report FROM snapshots WHERE instr(report, :says) > 0;

-- name: put_snapshot_report
-- Replaces the report of a snapshot.
UPDATE snapshots SET report = :text WHERE number = :number;

-- name: answers_that_say
-- Answers to submissions that have a text.
SELECT tenant, key, answer FROM idempotency_records WHERE instr(answer, CAST(:says AS BLOB)) > 0;

-- name: put_answer
-- Replaces the answer to a submission.
UPDATE idempotency_records SET answer = :answer WHERE tenant = :tenant AND key = :key;

-- name: put_receipt_file
-- Replaces what is kept beside a receipt.
UPDATE receipt_files SET content = :content WHERE receipt = :place AND name = :name;

-- name: all_sets
-- Every lane and kind.
SELECT l.lane, s.kind FROM sets s JOIN lanes l ON l.number = s.lane;
