-- Lanes: who may write to one, and which may be claimed next. schema.sql draws their states.

-- name: has_work
-- Condition: a delivery waits in a lane.
EXISTS (SELECT 1 FROM deliveries d WHERE d.lane = l.number AND d.state = 'queued')

-- name: is_free
-- Condition: nobody holds a lane.
(r.owner IS NULL OR r.lease_until <= journal_now(%(now)s))

-- name: find_lane
-- The number of a lane.
SELECT number FROM lanes WHERE lane = %(lane)s;

-- name: locked_lane
-- The number of a lane, which nobody else puts to sleep or wakes until the end of the transaction.
SELECT number FROM lanes WHERE lane = %(lane)s FOR NO KEY UPDATE;

-- name: make_lanes
-- Makes the lanes that are new.
WITH made AS (
    INSERT INTO lanes (lane) SELECT lane FROM unnest(%(names)s::text[]) AS lane ORDER BY lane
    ON CONFLICT DO NOTHING RETURNING number
)
INSERT INTO lane_runs (lane) SELECT number FROM made;

-- name: lanes
-- All lanes, as `status` shows them.
SELECT l.lane, (SELECT count(*) FROM deliveries d WHERE d.lane = l.number AND d.state = 'queued'),
    (SELECT d.created FROM deliveries d WHERE d.lane = l.number AND d.state = 'queued' ORDER BY d.id LIMIT 1),
    (SELECT count(*) FROM deliveries d WHERE d.lane = l.number AND d.state = 'dead'),
    r.epoch, r.owner, r.lease_until, l.next_at, l.parked, coalesce((
        SELECT d.breakdowns FROM deliveries d WHERE d.lane = l.number AND d.state = 'queued' ORDER BY d.id LIMIT 1
    ), 0)
FROM lanes l JOIN lane_runs r ON r.lane = l.number ORDER BY l.lane;

-- name: schedule_lane
-- Works out anew when a lane that is locked may be claimed: the seconds until then, or null.
UPDATE lanes l SET due = CASE WHEN l.parked IS NULL AND {has_work} THEN greatest(journal_now(%(now)s), l.next_at) END
WHERE l.number = %(number)s RETURNING l.due - journal_now(%(now)s);

-- name: lane_columns
-- A lane that is to be claimed. It has died where it was not given back by whoever was to deliver what is queued there.
l.number, l.lane, l.tenant, r.owner IS NOT NULL AND r.draining AS has_died, r.owner AS before

-- name: take_over
-- The second half of a claim: gives the lane `free` to an owner, under a new epoch.
, broken AS (
    UPDATE deliveries SET breakdowns = breakdowns + 1 FROM free
    WHERE free.has_died AND id = (
        SELECT d.id FROM deliveries d WHERE d.lane = free.number AND d.state = 'queued' ORDER BY d.id LIMIT 1
    )
)
UPDATE lane_runs t SET epoch = t.epoch + 1, owner = %(owner)s, lease_until = journal_now(%(now)s) + %(lease)s,
    draining = %(draining)s
FROM free WHERE t.lane = free.number RETURNING free.number, free.lane, t.epoch, free.tenant, free.before

-- name: is_due
-- One row if a lane of a tenant that is not full may be claimed.
WITH RECURSIVE {awake}
SELECT 1 FROM awake WHERE tenant <> ALL(%(full)s::text[]) AND (
    SELECT true FROM lanes l WHERE l.tenant = awake.tenant AND l.due <= journal_now(%(now)s)
        AND (SELECT {is_free} FROM lane_runs r WHERE r.lane = l.number) LIMIT 1
) LIMIT 1;

-- name: awake
-- The tenants that have lanes which are awake. Goes from tenant to tenant: one may have many lanes.
awake (tenant) AS (
    (SELECT l.tenant FROM lanes l WHERE l.due IS NOT NULL ORDER BY l.tenant LIMIT 1)
    UNION ALL
    SELECT (
        SELECT l.tenant FROM lanes l WHERE l.due IS NOT NULL AND l.tenant > awake.tenant ORDER BY l.tenant LIMIT 1
    ) FROM awake WHERE awake.tenant IS NOT NULL
)

-- name: claim_any
-- Claims a lane of the tenant that holds the fewest places, and of those the one that has been claimable for the longest.
-- Of each tenant it looks at a few: others may be claiming the first. The conditions are queries of their own, so that
-- they are asked of these lanes alone, also before PostgreSQL has statistics.
WITH RECURSIVE {awake}, first AS (
    SELECT l.number FROM awake CROSS JOIN LATERAL (
        SELECT l.number FROM lanes l
        WHERE l.tenant = awake.tenant AND l.due <= journal_now(%(now)s)
            AND (SELECT {is_free} FROM lane_runs r WHERE r.lane = l.number) AND (SELECT {has_work})
        ORDER BY l.due, l.number LIMIT 4
    ) l WHERE awake.tenant <> ALL(%(full)s::text[])
), free AS (
    SELECT {lane_columns} FROM first JOIN lanes l ON l.number = first.number JOIN lane_runs r ON r.lane = l.number
    WHERE {is_free}
    ORDER BY coalesce((%(held)s::jsonb ->> l.tenant)::int, 0), greatest(l.due, r.lease_until), l.number
    LIMIT 1 FOR NO KEY UPDATE OF r SKIP LOCKED
) {take_over};

-- name: claim_named
-- Claims a lane, if nobody holds it.
WITH free AS (
    SELECT {lane_columns} FROM lanes l JOIN lane_runs r ON r.lane = l.number
    WHERE l.lane = %(lane)s AND {is_free} FOR NO KEY UPDATE OF r
) {take_over};

-- name: idle_lanes
-- Lanes that are awake, and in which nothing waits.
SELECT l.lane FROM lanes l WHERE l.due <= journal_now(%(now)s) AND NOT {has_work} ORDER BY l.number LIMIT 100;

-- name: held
-- One row while a lane is ours. Nobody takes it over until the end of the transaction.
SELECT 1 FROM lane_runs WHERE lane = %(number)s AND epoch = %(epoch)s AND owner IS NOT NULL FOR SHARE

-- name: renew_lane
-- Extends the lease of a lane that is ours.
UPDATE lane_runs SET lease_until = journal_now(%(now)s) + %(lease)s
WHERE lane = %(number)s AND epoch = %(epoch)s AND owner IS NOT NULL;

-- name: excuse_lane
-- Lets nothing be counted when the lease of a lane that is ours runs out.
UPDATE lane_runs SET draining = false WHERE lane = %(number)s AND epoch = %(epoch)s AND owner IS NOT NULL;

-- name: release_lane
-- Gives a lane back that is ours.
UPDATE lane_runs SET owner = NULL, lease_until = NULL
WHERE lane = %(number)s AND epoch = %(epoch)s AND owner IS NOT NULL;

-- name: rest_lane
-- Lets a lane rest.
UPDATE lanes SET next_at = journal_now(%(now)s) + %(delay)s,
    due = CASE WHEN due IS NOT NULL THEN journal_now(%(now)s) + %(delay)s END
WHERE number = %(number)s;

-- name: park_lane
-- Keeps a lane from being claimed until a person has acted.
UPDATE lanes SET parked = %(reason)s, due = NULL WHERE number = %(number)s;

-- name: resume_lane
-- Ends parking and rest of a lane.
UPDATE lanes SET parked = NULL, next_at = 0 WHERE number = %(number)s;

-- name: sleeping_job
-- The job that waits for a lane, if it comes later than in some seconds.
SELECT id FROM procrastinate_jobs WHERE queueing_lock = %(lane)s AND status = 'todo'
    AND scheduled_at > clock_timestamp() + make_interval(secs => %(delay)s);

-- name: asleep
-- Lanes that nobody would ever work on, each as a sentence for a person.
SELECT 'the lane ' || l.lane || ' sleeps although deliveries wait in it' FROM lanes l
WHERE l.due IS NULL AND l.parked IS NULL AND {has_work};
