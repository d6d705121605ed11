-- Lanes: who may write to one, and which may be claimed next. schema.sql draws their states.

-- name: has_work
-- Condition: a delivery waits in a lane.
EXISTS (SELECT 1 FROM deliveries WHERE lane = lanes.number AND state = 'queued')

-- name: find_lane
-- The number of a lane.
SELECT number FROM lanes WHERE lane = :lane;

-- name: locked_lane
-- The number of a lane, which nobody else puts to sleep or wakes until the end of the transaction.
SELECT number FROM lanes WHERE lane = :lane;

-- name: make_lanes
-- Makes a lane.
INSERT INTO lanes (lane) VALUES (:lane) ON CONFLICT DO NOTHING;

-- name: lanes
-- All lanes, as `status` shows them.
SELECT lane, (SELECT count(*) FROM deliveries WHERE lane = lanes.number AND state = 'queued'),
    (SELECT created FROM deliveries WHERE lane = lanes.number AND state = 'queued' ORDER BY id LIMIT 1),
    (SELECT count(*) FROM deliveries WHERE lane = lanes.number AND state = 'dead'),
    epoch, owner, lease_until, next_at, parked,
    ifnull((SELECT breakdowns FROM deliveries WHERE lane = lanes.number AND state = 'queued' ORDER BY id LIMIT 1), 0)
FROM lanes ORDER BY lane;

-- name: schedule_lane
-- Works out anew when a lane may be claimed.
UPDATE lanes SET due = CASE WHEN parked IS NULL AND {has_work} THEN max(:now, next_at, ifnull(lease_until, 0)) END
WHERE number = :number;

-- name: is_due
-- One row if a lane of a tenant that is not full may be claimed.
SELECT 1 FROM ({due_tenants}) WHERE tenant NOT IN (SELECT value FROM json_each(:full)) LIMIT 1;

-- name: due_tenants
-- The tenants that have claimable lanes, each with the time since when. Goes from tenant to tenant: one may have many.
WITH RECURSIVE awake (tenant) AS (
    SELECT min(tenant) FROM lanes WHERE due IS NOT NULL
    UNION ALL
    SELECT (SELECT min(tenant) FROM lanes WHERE due IS NOT NULL AND tenant > awake.tenant) FROM awake
    WHERE awake.tenant IS NOT NULL
)
SELECT tenant, since FROM (
    SELECT tenant, (SELECT min(due) FROM lanes WHERE tenant = awake.tenant AND due IS NOT NULL) AS since FROM awake
) WHERE since <= :now

-- name: has_died
-- Condition: a lane was not given back by whoever was to deliver what is queued there.
(owner IS NOT NULL AND draining)

-- name: claimable_lane
-- The lane of a tenant that has been claimable for the longest, whether anything waits in it, and who held it before.
SELECT number, lane, epoch, {has_died}, {has_work}, owner FROM lanes
WHERE due <= :now AND tenant = :tenant ORDER BY due, number LIMIT 1;

-- name: count_breakdown
-- Counts a breakdown of the head of a lane.
UPDATE deliveries SET breakdowns = breakdowns + 1
WHERE id = (SELECT id FROM deliveries WHERE lane = :number AND state = 'queued' ORDER BY id LIMIT 1);

-- name: sleep_lane
-- Puts a lane to sleep in which nothing waits.
UPDATE lanes SET due = NULL WHERE number = :number;

-- name: free_lane
-- The epoch of a lane, whose it is, and who held it until its lease ran out, if nobody holds it.
SELECT epoch, tenant, {has_died}, owner FROM lanes
WHERE number = :number AND (owner IS NULL OR lease_until <= :now);

-- name: take_lane
-- Gives a lane to an owner, under a new epoch.
UPDATE lanes SET epoch = :epoch, owner = :owner, lease_until = :now + :lease, draining = :draining,
    due = iif(due IS NULL, NULL, max(next_at, :now + :lease))
WHERE number = :number;

-- name: held
-- One row while a lane is ours.
SELECT 1 FROM lanes WHERE number = :number AND epoch = :epoch AND owner IS NOT NULL;

-- name: renew_lane
-- Extends the lease of a lane that is ours.
UPDATE lanes SET lease_until = :now + :lease, due = iif(due IS NULL, NULL, max(next_at, :now + :lease))
WHERE number = :number AND epoch = :epoch AND owner IS NOT NULL;

-- name: excuse_lane
-- Lets nothing be counted when the lease of a lane that is ours runs out.
UPDATE lanes SET draining = 0 WHERE number = :number AND epoch = :epoch AND owner IS NOT NULL;

-- name: release_lane
-- Gives a lane back that is ours.
UPDATE lanes SET owner = NULL, lease_until = NULL WHERE number = :number AND epoch = :epoch AND owner IS NOT NULL;

-- name: rest_lane
-- Lets a lane rest.
UPDATE lanes SET next_at = :now + :delay, due = iif(due IS NULL, NULL, max(:now + :delay, ifnull(lease_until, 0)))
WHERE number = :number;

-- name: park_lane
-- Keeps a lane from being claimed until a person has acted.
UPDATE lanes SET parked = :reason, due = NULL WHERE number = :number;

-- name: resume_lane
-- Ends parking and rest of a lane.
UPDATE lanes SET parked = NULL, next_at = 0 WHERE number = :number;
