-- What is about to be sent, a row a batch; and the names of sources.

-- name: put_intent
-- Notes what is about to be sent.
INSERT INTO intents (of_set, run, delivery, batch, digest, content)
VALUES (%(set)s, %(run)s, %(delivery)s, %(batch)s, %(digest)s, %(content)s)
ON CONFLICT (of_set, run, delivery, batch) DO UPDATE SET digest = excluded.digest, content = excluded.content;

-- name: drop_intent
-- Drops what was noted of a batch.
DELETE FROM intents WHERE of_set = %(set)s AND run = %(run)s AND delivery = %(delivery)s AND batch = %(batch)s;

-- name: drop_intents_of_run
-- Drops what was noted of a run; of the queue, where that is 0.
DELETE FROM intents WHERE of_set = %(set)s AND run = %(run)s;

-- name: drop_intents_of_delivery
-- Drops what was noted of a queued delivery.
DELETE FROM intents WHERE of_set = %(set)s AND run = 0 AND delivery = %(id)s;

-- name: sets_with_deliveries_left
-- The sets of a lane for which somebody was about to send queued deliveries.
SELECT DISTINCT of_set FROM intents
WHERE of_set IN (SELECT number FROM sets WHERE lane = %(number)s) AND run = 0;

-- name: deliveries_left
-- What somebody was about to send of queued deliveries.
SELECT delivery, content FROM intents WHERE of_set = %(set)s AND run = 0 ORDER BY delivery, batch;

-- name: drop_intents_of_ended
-- Drops what was noted of deliveries that do not wait any more.
DELETE FROM intents WHERE of_set = %(set)s AND run = 0
    AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.id = intents.delivery AND d.state = 'queued');

-- name: requests_left
-- The deliveries that somebody was about to send, each with the first of its requests.
SELECT delivery, min(batch) FROM intents WHERE of_set = %(set)s AND run = 0 GROUP BY delivery;

-- name: intents_left
-- What was about to be sent, and can be seen at the vendor if it has arrived. A run that begins again (`run`) may still
-- complete what it has staged.
SELECT i.delivery, i.content FROM intents i LEFT JOIN runs r ON r.number = i.run
WHERE i.of_set = %(set)s AND (r.number IS NULL OR NOT r.staged OR (r.completing AND r.number <> %(run)s))
ORDER BY i.run, i.delivery, i.batch;

-- name: drop_other_intents
-- Drops what was noted of other runs, and of the queue.
DELETE FROM intents WHERE of_set = %(set)s AND run <> %(run)s;

-- name: intents_of_run
-- The batches that a run was about to send.
SELECT batch, digest FROM intents
WHERE of_set = (SELECT s.number FROM sets s JOIN runs r ON r.lane = s.lane AND r.kind = s.kind WHERE r.number = %(run)s)
    AND run = %(run)s
ORDER BY batch;

-- name: source_names
-- The sources of a set.
SELECT number, name FROM source_names WHERE of_set = %(set)s;

-- name: add_source
-- Gives a source its number.
INSERT INTO source_names (of_set, number, name) VALUES (%(set)s, %(number)s, %(name)s);

-- name: sources
-- The sources of a set, each with the number of its ids.
SELECT n.number, n.name, count(*) FROM known k JOIN source_names n ON n.of_set = k.of_set AND n.number = k.source
WHERE k.of_set = ({set_of}) AND k.body <> 0 GROUP BY n.number, n.name ORDER BY n.number;

-- name: spelling
-- How ids were written first, where that is not like the key.
SELECT id, spelling FROM known
WHERE of_set = ({set_of}) AND id = ANY(%(ids)s::bytea[]) AND body <> 0 AND spelling IS NOT NULL;
