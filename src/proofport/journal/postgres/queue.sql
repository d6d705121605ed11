-- Queued deliveries. schema.sql draws their states.

-- name: delivery_columns
-- The fields of a delivery, in their order.
d.id, l.lane, d.destination, d.kind, d.mode, d.payload, d.records, d.state, d.attempts, d.created, d.finished,
d.outcome, d.reason, d.detail, d.submission, d.bodies, d.breakdowns,
(SELECT r.branch || '-' || r.sequence FROM receipts r WHERE r.place = d.receipt)

-- name: lock_lanes
-- Lanes by their names, each with a word on whether it sleeps. Nobody else accepts for them until the end of the
-- transaction.
SELECT lane, number, due IS NULL AND parked IS NULL FROM lanes WHERE lane = ANY(%(lanes)s)
ORDER BY number FOR NO KEY UPDATE;

-- name: add_deliveries
-- Adds deliveries. Their ids, which grow in their order. Those of one group are a submission: that of their first id.
WITH new AS MATERIALIZED (
    SELECT nextval('deliveries_id_seq') AS id, g.* FROM unnest(%(numbers)s::int[], %(destinations)s::text[],
        %(kinds)s::text[], %(modes)s::text[], %(payloads)s::bytea[], %(records)s::int[], %(bodies)s::bytea[],
        %(groups)s::int[]) AS g (lane, destination, kind, mode, payload, records, bodies, submission)
)
INSERT INTO deliveries (id, lane, destination, kind, mode, payload, records, bodies, submission, created)
SELECT id, lane, destination, kind, mode, payload, records, bodies,
    CASE WHEN submission IS NOT NULL THEN min(id) OVER (PARTITION BY submission) END, journal_now(%(now)s)
FROM new RETURNING id;

-- name: wake_lanes
-- Lets lanes be claimed as soon as they have rested.
UPDATE lanes SET due = greatest(journal_now(%(now)s), next_at) WHERE number = ANY(%(numbers)s)
RETURNING lane, due - journal_now(%(now)s);

-- name: add_idempotency_records
-- Notes what is submitted under keys, unless they are known.
INSERT INTO idempotency_records (tenant, key, digest, answer, submission)
SELECT * FROM unnest(%(tenants)s::text[], %(keys)s::text[], %(digests)s::bytea[], %(answers)s::bytea[],
    %(submissions)s::bigint[]) AS g (tenant, key, digest, answer, submission) ORDER BY tenant, key
ON CONFLICT DO NOTHING;

-- name: idempotency_records
-- What was submitted under keys before, with the ids of its deliveries.
SELECT r.tenant, r.key, r.digest, r.answer,
    array(SELECT d.id FROM deliveries d WHERE d.submission = r.submission ORDER BY d.id)
FROM idempotency_records r
WHERE (r.tenant, r.key) IN (SELECT * FROM unnest(%(tenants)s::text[], %(keys)s::text[]));

-- name: add_dead
-- Adds a delivery that is dead from the start.
INSERT INTO deliveries (lane, destination, kind, mode, payload, records, bodies, created, state, attempts, finished,
    reason, detail)
SELECT %(number)s, %(destination)s, %(kind)s, %(mode)s, %(payload)s, %(records)s, %(bodies)s, t.now, 'dead',
    %(attempts)s, t.now, %(reason)s, %(detail)s
FROM (SELECT journal_now(%(now)s) AS now) t;

-- name: find_after
-- Deliveries above an id, in the order of ids.
SELECT {delivery_columns} FROM deliveries d JOIN lanes l ON l.number = d.lane
WHERE d.id > %(after)s AND {where} ORDER BY d.id LIMIT %(limit)s;

-- name: find_before
-- Deliveries below an id, the latest first.
SELECT {delivery_columns} FROM deliveries d JOIN lanes l ON l.number = d.lane
WHERE d.id > %(after)s AND d.id < %(before)s AND {where} ORDER BY d.id DESC LIMIT %(limit)s;

-- name: find_dead
-- Dead deliveries, which nobody else changes until the end of the transaction.
SELECT {delivery_columns} FROM deliveries d JOIN lanes l ON l.number = d.lane
WHERE d.state = 'dead' AND {where} ORDER BY d.id FOR UPDATE OF d;

-- name: lock_lanes_of_dead
-- The lanes of dead deliveries. Nobody else accepts for them until the end of the transaction.
SELECT number FROM lanes
WHERE number IN (SELECT d.lane FROM deliveries d WHERE d.state = 'dead' AND {where})
ORDER BY number FOR NO KEY UPDATE;

-- name: of_ids
-- Condition: any of these ids.
d.id = ANY(%(ids)s::bigint[])

-- name: of_lane
-- Condition: of a lane.
d.lane = (SELECT number FROM lanes WHERE lane = %(lane)s)

-- name: of_tenant
-- Condition: of a tenant.
d.lane IN (SELECT number FROM lanes WHERE tenant = %(tenant)s)

-- name: of_destinations
-- Condition: for any of these destinations.
d.destination = ANY(%(destinations)s::text[])

-- name: of_kinds
-- Condition: of any of these kinds.
d.kind = ANY(%(kinds)s::text[])

-- name: of_submission
-- Condition: of a submission.
d.submission = %(submission)s

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
UPDATE deliveries SET state = 'cancelled', outcome = %(outcome)s, finished = journal_now(%(now)s) WHERE id = %(id)s;

-- name: set_aside
-- Makes dead letters of deliveries that have not ended.
UPDATE deliveries AS d SET state = 'dead', finished = journal_now(%(now)s), reason = %(reason)s, detail = %(detail)s,
    receipt = {due_receipt}
WHERE d.state = 'queued' AND {where};

-- name: cancel
-- Drops deliveries that have not ended, and dead ones.
UPDATE deliveries AS d SET state = 'cancelled', outcome = %(outcome)s, finished = journal_now(%(now)s),
    receipt = CASE d.state WHEN 'queued' THEN {due_receipt} ELSE d.receipt END
WHERE d.state IN ('queued', 'dead') AND {where};

-- name: waiting_bytes
-- The size of what waits, by tenant.
SELECT tenant, sum(size) FROM (
    SELECT l.tenant, octet_length(d.payload) AS size FROM deliveries d JOIN lanes l ON l.number = d.lane
    WHERE d.state = 'queued'
    UNION ALL SELECT s.tenant, octet_length(p.payload) FROM snapshots s JOIN parts p ON p.snapshot = s.number
) waiting GROUP BY tenant;

-- name: amend_delivery
-- Replaces the outcome of a delivery that is done.
UPDATE deliveries SET outcome = %(outcome)s WHERE id = %(id)s AND state = 'done';

-- name: heads
-- The first queued deliveries of a lane, until they hold so many records, each after a word on whether the lane is ours.
-- At least one row.
SELECT r.epoch = %(epoch)s AND r.owner IS NOT NULL, d.* FROM lane_runs r LEFT JOIN LATERAL (
    SELECT {delivery_columns} FROM deliveries d JOIN lanes l ON l.number = d.lane
    WHERE d.id IN ({few}) AND l.parked IS NULL AND l.next_at <= journal_now(%(now)s)
    ORDER BY d.id
) d ON true
WHERE r.lane = %(number)s ORDER BY d.id;

-- name: few
-- The ids of the first queued deliveries of a lane, until they hold so many records or bytes.
SELECT id FROM (
    SELECT id, sum(records) OVER so_far - records AS before, sum(bytes) OVER so_far - bytes AS bytes_before FROM (
        SELECT id, records, length(payload) + coalesce(length(bodies), 0) AS bytes
        FROM deliveries WHERE lane = %(number)s AND state = 'queued' ORDER BY id LIMIT %(n)s
    ) first WINDOW so_far AS (ORDER BY id ROWS UNBOUNDED PRECEDING)
) counted WHERE before < %(records)s AND bytes_before < %(bytes)s

-- name: done
-- Ends a delivery, also one that was cancelled or set aside, if its lane is ours.
WITH held AS MATERIALIZED ({held})
UPDATE deliveries SET state = 'done', attempts = attempts + 1, finished = journal_now(%(now)s), outcome = %(outcome)s,
    receipt = {due_receipt}
FROM held WHERE id = %(id)s AND lane = %(number)s AND state <> 'done';

-- name: dead
-- Sets a delivery aside, if its lane is ours.
WITH held AS MATERIALIZED ({held})
UPDATE deliveries SET state = 'dead', attempts = attempts + 1, finished = journal_now(%(now)s), reason = %(reason)s,
    detail = %(detail)s, bodies = %(bodies)s, receipt = {due_receipt}
FROM held WHERE id = %(id)s AND lane = %(number)s AND state = 'queued';

-- name: later
-- Counts an attempt.
UPDATE deliveries SET attempts = attempts + 1, breakdowns = %(breakdowns)s, reason = %(reason)s, detail = %(detail)s
WHERE id = %(id)s AND lane = %(number)s AND state = 'queued';

-- name: due_receipt
-- Says that a receipt is to follow, in a journal whose receipts are signed.
(SELECT -1 FROM receipt_keys LIMIT 1)

-- name: due_deliveries
-- Deliveries of a lane that have ended, and lack their receipt.
SELECT {delivery_columns} FROM deliveries d JOIN lanes l ON l.number = d.lane
WHERE d.lane = %(number)s AND d.receipt = -1 AND d.id > %(after)s ORDER BY d.id LIMIT %(n)s;

-- name: due_lanes
-- Lanes with such deliveries: how many, and when the first of them ended.
SELECT l.lane, count(*), min(d.finished) FROM deliveries d JOIN lanes l ON l.number = d.lane
WHERE d.receipt = -1 GROUP BY l.lane ORDER BY l.lane;

-- name: name_receipt
-- Notes the receipt of deliveries that lack theirs.
UPDATE deliveries SET receipt = %(place)s
WHERE lane = %(number)s AND receipt = -1 AND id = ANY(%(ids)s::bigint[]);
