-- One id, wherever it stands.

-- name: places_of
-- Where ids stand in the last delivered state: lane, kind, id, digest, and whether a body and a tombstone are kept.
SELECT l.lane, s.kind, u.id, coalesce(k.body, 0), b.id IS NOT NULL, t.id IS NOT NULL
FROM (
    SELECT of_set, id FROM known WHERE id = ANY(%(keys)s::bytea[])
    UNION SELECT of_set, id FROM bodies WHERE id = ANY(%(keys)s::bytea[])
    UNION SELECT of_set, id FROM tombstones WHERE id = ANY(%(keys)s::bytea[])
) u
JOIN sets s ON s.number = u.of_set JOIN lanes l ON l.number = s.lane
LEFT JOIN known k ON k.of_set = u.of_set AND k.id = u.id
LEFT JOIN bodies b ON b.of_set = u.of_set AND b.id = u.id
LEFT JOIN tombstones t ON t.of_set = u.of_set AND t.id = u.id
ORDER BY l.lane, s.kind, u.id;

-- name: erase_body
-- Drops the body of an id.
DELETE FROM bodies WHERE of_set = ({set_of}) AND id = %(id)s;

-- name: erase_missing
-- Drops an id that was missing from a set, and of which no body is kept.
DELETE FROM tombstones WHERE of_set = ({set_of}) AND id = %(id)s AND body IS NULL;

-- name: erase_known
-- Drops an id that is known, and not held any more.
DELETE FROM known WHERE of_set = ({set_of}) AND id = %(id)s AND body = 0;

-- name: all_intents
-- All that somebody was about to send.
SELECT content FROM intents;

-- name: erase_records
-- Replaces the content of a delivery that has ended, unless it has changed.
UPDATE deliveries SET payload = %(payload)s, records = %(left)s, bodies = %(bodies)s, outcome = %(outcome)s,
    detail = %(detail)s, state = %(becomes)s, finished = coalesce(finished, journal_now(%(now)s))
WHERE id = %(id)s AND state = %(state)s AND records = %(records)s;

-- name: erase_attempts
-- Drops the calls for deliveries.
DELETE FROM attempts WHERE delivery = ANY(%(ids)s::bigint[]);

-- name: attempts_that_say
-- Calls whose message has a text: numbers and messages.
SELECT number, message FROM attempts WHERE position(%(says)s::text in message) > 0;

-- name: reports_that_say
-- Reports of runs that have a text.
SELECT number, report FROM runs WHERE position(%(says)s::text in report) > 0;

-- name: put_report
-- Replaces the report of a run.
UPDATE runs SET report = %(text)s WHERE number = %(number)s;

-- name: batches_that_say
-- Batches whose outcomes have a text.
SELECT run, number, outcomes FROM batches WHERE position(%(says)s::text in outcomes) > 0;

-- name: put_outcomes
-- Replaces the outcomes of a batch.
UPDATE batches SET outcomes = %(text)s WHERE run = %(run)s AND number = %(number)s;

-- name: snapshots_that_say
-- Reports of snapshots that have a text.
SELECT number, report FROM snapshots WHERE position(%(says)s::text in report) > 0;

-- name: put_snapshot_report
-- Replaces the report of a snapshot.
UPDATE snapshots SET report = %(text)s WHERE number = %(number)s;

-- name: answers_that_say
-- Answers to submissions that have a text.
SELECT tenant, key, answer FROM idempotency_records WHERE position(convert_to(%(says)s::text, 'UTF8') in answer) > 0;

-- name: put_answer
-- Replaces the answer to a submission.
UPDATE idempotency_records SET answer = %(answer)s WHERE tenant = %(tenant)s AND key = %(key)s;

-- name: put_receipt_file
-- Replaces what is kept beside a receipt.
UPDATE receipt_files SET content = %(content)s WHERE receipt = %(place)s AND name = %(name)s;
