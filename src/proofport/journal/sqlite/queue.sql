-- Queued deliveries. schema.sql draws their states.

-- name: delivery_columns
-- The fields of a delivery, in their order.
d.id, l.lane, d.destination, d.kind, d.mode, d.payload, d.records, d.state, d.attempts, d.created, d.finished,
d.outcome, d.reason, d.detail, d.submission, d.bodies, d.breakdowns,
(SELECT r.branch || '-' || r.sequence FROM receipts r WHERE r.place = d.receipt)

-- name: idempotency_record
-- What was submitted under a key before.
SELECT digest, answer, submission FROM idempotency_records WHERE tenant = :tenant AND key = :key;

-- name: submitted
-- The ids of a submission. Its first delivery is not in the index.
SELECT id FROM deliveries WHERE id = :submission AND submission = id
UNION ALL SELECT id FROM deliveries WHERE submission = :submission AND submission <> id ORDER BY id;

-- name: add_idempotency_record
-- Notes what is about to be submitted under a key, unless it is known.
INSERT INTO idempotency_records (tenant, key, digest, answer, submission)
VALUES (:tenant, :key, :digest, :answer, {next_id}) ON CONFLICT DO NOTHING;

-- name: next_id
-- What AUTOINCREMENT gives next: https://www.sqlite.org/autoinc.html
(SELECT ifnull(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'deliveries')

-- name: add_delivery
-- Adds a delivery: lane, destination, kind, mode, payload, records, bodies, time, whether it is part of a submission,
-- and the number of that, which is its own id when null. Fails if the lane is new. A trigger wakes the lane.
INSERT INTO deliveries (lane, destination, kind, mode, payload, records, bodies, created, submission)
VALUES ((SELECT number FROM lanes WHERE lane = ?1), ?2, ?3, ?4, ?5, ?6, ?7, ?8, iif(?9, ifnull(?10, {next_id}), NULL));

-- name: add_dead
-- Adds a delivery that is dead from the start.
INSERT INTO deliveries (lane, destination, kind, mode, payload, records, created, bodies, state, attempts, finished,
    reason, detail)
VALUES (:number, :destination, :kind, :mode, :payload, :records, :now, :bodies, 'dead', :attempts, :now,
    :reason, :detail);

-- name: find_after
-- Deliveries above an id, in the order of ids.
SELECT {delivery_columns} FROM deliveries d JOIN lanes l ON l.number = d.lane
WHERE d.id > :after AND {where} ORDER BY d.id LIMIT :limit;

-- name: find_before
-- Deliveries below an id, the latest first.
SELECT {delivery_columns} FROM deliveries d JOIN lanes l ON l.number = d.lane
WHERE d.id > :after AND d.id < :before AND {where} ORDER BY d.id DESC LIMIT :limit;

-- name: find_dead
-- Dead deliveries, which nobody else changes until the end of the transaction.
SELECT {delivery_columns} FROM deliveries d JOIN lanes l ON l.number = d.lane
WHERE d.state = 'dead' AND {where} ORDER BY d.id;

-- name: lock_lanes_of_dead
-- Nothing to be done: a transaction that writes is alone.
SELECT 1 WHERE false;

-- name: of_ids
-- Condition: any of these ids.
d.id IN (SELECT value FROM json_each(:ids))

-- name: of_lane
-- Condition: of a lane.
d.lane = (SELECT number FROM lanes WHERE lane = :lane)

-- name: of_tenant
-- Condition: of a tenant. The plus: read in the order of ids until the page is full, and not all of the tenant's to sort
-- them.
+d.lane IN (SELECT number FROM lanes WHERE tenant = :tenant)

-- name: of_destinations
-- Condition: for any of these destinations.
d.destination IN (SELECT value FROM json_each(:destinations))

-- name: of_kinds
-- Condition: of any of these kinds.
d.kind IN (SELECT value FROM json_each(:kinds))

-- name: of_submission
-- Condition: of a submission.
d.id IN ({submitted})

-- name: is_queued
-- Condition: a state. States are literals, so that partial indexes fit.
d.state = 'queued'

-- name: is_done
-- Condition: a state.
d.state = 'done'

-- name: is_dead
-- Condition: a state.
d.state = 'dead'

-- name: is_cancelled
-- Condition: a state.
d.state = 'cancelled'

-- name: replayed
-- Ends a dead delivery that was accepted again.
UPDATE deliveries SET state = 'cancelled', outcome = :outcome, finished = :now WHERE id = :id;

-- name: set_aside
-- Makes dead letters of deliveries that have not ended.
UPDATE deliveries AS d SET state = 'dead', finished = :now, reason = :reason, detail = :detail, receipt = {due_receipt}
WHERE d.state = 'queued' AND {where};

-- name: cancel
-- Drops deliveries that have not ended, and dead ones.
UPDATE deliveries AS d SET state = 'cancelled', outcome = :outcome, finished = :now,
    receipt = CASE d.state WHEN 'queued' THEN {due_receipt} ELSE d.receipt END
WHERE d.state IN ('queued', 'dead') AND {where};

-- name: waiting_bytes
-- The size of what waits, by tenant. By way of the lanes, whose index knows what is queued; the length of a payload is
-- known without reading it.
SELECT tenant, sum(size) FROM (
    SELECT l.tenant, length(d.payload) AS size FROM lanes l JOIN deliveries d ON d.lane = l.number
    WHERE d.state = 'queued'
    UNION ALL SELECT s.tenant, length(p.payload) FROM snapshots s JOIN parts p ON p.snapshot = s.number
) GROUP BY tenant;

-- name: amend_delivery
-- Replaces the outcome of a delivery that is done.
UPDATE deliveries SET outcome = :outcome WHERE id = :id AND state = 'done';

-- name: heads
-- The first queued deliveries of a lane, until they hold so many records, each after a word on whether the lane is ours.
-- At least one row.
SELECT l.epoch = :epoch AND l.owner IS NOT NULL, {delivery_columns}
FROM lanes l LEFT JOIN deliveries d
    ON d.lane = l.number AND d.state = 'queued' AND l.parked IS NULL AND l.next_at <= :now AND d.id IN ({few})
WHERE l.number = :number ORDER BY d.id;

-- name: few
-- The ids of the first queued deliveries of a lane, until they hold so many records or bytes.
SELECT id FROM (
    SELECT id, sum(records) OVER so_far - records AS before, sum(bytes) OVER so_far - bytes AS bytes_before FROM (
        SELECT id, records, length(payload) + coalesce(length(bodies), 0) AS bytes
        FROM deliveries WHERE lane = :number AND state = 'queued' ORDER BY id LIMIT :n
    ) WINDOW so_far AS (ORDER BY id ROWS UNBOUNDED PRECEDING)
) WHERE before < :records AND bytes_before < :bytes

-- name: done
-- Ends a delivery, also one that was cancelled or set aside, if its lane is ours.
UPDATE deliveries SET state = 'done', attempts = attempts + 1, finished = :now, outcome = :outcome,
    receipt = {due_receipt}
WHERE id = :id AND lane = :number AND state <> 'done' AND EXISTS ({held});

-- name: dead
-- Sets a delivery aside, if its lane is ours.
UPDATE deliveries SET state = 'dead', attempts = attempts + 1, finished = :now, reason = :reason, detail = :detail,
    bodies = :bodies, receipt = {due_receipt}
WHERE id = :id AND lane = :number AND state = 'queued' AND EXISTS ({held});

-- name: later
-- Counts an attempt.
UPDATE deliveries SET attempts = attempts + 1, breakdowns = :breakdowns, reason = :reason, detail = :detail
WHERE id = :id AND lane = :number AND state = 'queued';

-- name: due_receipt
-- Says that a receipt is to follow, in a journal whose receipts are signed.
(SELECT -1 FROM receipt_keys LIMIT 1)

-- name: due_deliveries
-- Deliveries of a lane that have ended, and lack their receipt.
SELECT {delivery_columns} FROM deliveries d JOIN lanes l ON l.number = d.lane
WHERE d.lane = :number AND d.receipt = -1 AND d.id > :after ORDER BY d.id LIMIT :n;

-- name: due_lanes
-- Lanes with such deliveries: how many, and when the first of them ended.
SELECT l.lane, count(*), min(d.finished) FROM deliveries d JOIN lanes l ON l.number = d.lane
WHERE d.receipt = -1 GROUP BY l.lane ORDER BY l.lane;

-- name: name_receipt
-- Notes the receipt of deliveries that lack theirs.
UPDATE deliveries SET receipt = :place
WHERE lane = :number AND receipt = -1 AND id IN (SELECT value FROM json_each(:ids));
