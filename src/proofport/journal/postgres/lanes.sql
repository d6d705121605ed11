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
    r.epoch, r.owner, r.lease_until, l.next_at, l.parked
FROM lanes l JOIN lane_runs r ON r.lane = l.number ORDER BY l.lane;

-- name: schedule_lane
-- Works out anew when a lane that is locked may be claimed: the seconds until then, or null.
UPDATE lanes l SET due = CASE WHEN l.parked IS NULL AND {has_work} THEN greatest(journal_now(%(now)s), l.next_at) END
WHERE l.number = %(number)s RETURNING l.due - journal_now(%(now)s);

-- name: take_over
-- The second half of a claim: gives the lane `free` to an owner, under a new epoch.
UPDATE lane_runs t SET epoch = t.epoch + 1, owner = %(owner)s, lease_until = journal_now(%(now)s) + %(lease)s
FROM free WHERE t.lane = free.number RETURNING free.number, free.lane, t.epoch

-- name: claim_any
-- Claims the lane that has been claimable for the longest.
WITH free AS (
    SELECT l.number, l.lane FROM lanes l JOIN lane_runs r ON r.lane = l.number
    WHERE l.due <= journal_now(%(now)s) AND {is_free} AND {has_work}
    ORDER BY greatest(l.due, r.lease_until), l.number LIMIT 1 FOR NO KEY UPDATE OF r SKIP LOCKED
) {take_over};

-- name: claim_due
-- Claims a lane, if it has work now.
WITH free AS (
    SELECT l.number, l.lane FROM lanes l JOIN lane_runs r ON r.lane = l.number
    WHERE l.lane = %(lane)s AND l.due <= journal_now(%(now)s) AND {is_free} AND {has_work} FOR NO KEY UPDATE OF r
) {take_over};

-- name: claim_named
-- Claims a lane, if nobody holds it.
WITH free AS (
    SELECT l.number, l.lane FROM lanes l JOIN lane_runs r ON r.lane = l.number
    WHERE l.lane = %(lane)s AND {is_free} FOR NO KEY UPDATE OF r
) {take_over};

-- name: held
-- One row while a lane is ours. Nobody takes it over until the end of the transaction.
SELECT 1 FROM lane_runs WHERE lane = %(number)s AND epoch = %(epoch)s AND owner IS NOT NULL FOR SHARE

-- name: renew_lane
-- Extends the lease of a lane that is ours.
UPDATE lane_runs SET lease_until = journal_now(%(now)s) + %(lease)s
WHERE lane = %(number)s AND epoch = %(epoch)s AND owner IS NOT NULL;

-- name: release_lane
-- Gives a lane back that is ours.
UPDATE lane_runs SET owner = NULL, lease_until = NULL
WHERE lane = %(number)s AND epoch = %(epoch)s AND owner IS NOT NULL;

-- name: free_lane
-- One row if nobody holds a lane.
SELECT 1 FROM lane_runs r WHERE r.lane = %(number)s AND {is_free};

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

-- name: overlooked
-- Lanes with work and nobody to do it: their owner has died, or a job was lost.
SELECT l.lane FROM lanes l JOIN lane_runs r ON r.lane = l.number
WHERE l.due <= journal_now(%(now)s) AND {is_free}
    AND NOT EXISTS (
        SELECT 1 FROM procrastinate_jobs j WHERE j.queueing_lock = l.lane AND j.status = 'todo'
            AND (j.scheduled_at IS NULL OR j.scheduled_at <= clock_timestamp())
    )
    AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs j WHERE j.lock = l.lane AND j.status = 'doing')
LIMIT 1000;

-- name: orphaned
-- Jobs that nobody does although their worker lives: it could not note their end while PostgreSQL was away.
SELECT j.id FROM procrastinate_jobs j JOIN lanes l ON l.lane = j.lock JOIN lane_runs r ON r.lane = l.number
WHERE j.status = 'doing' AND l.due <= journal_now(%(now)s) - %(stalled)s
    AND (r.owner IS NULL OR r.lease_until <= journal_now(%(now)s) - %(stalled)s);

-- name: sleeping_job
-- The job that waits for a lane, if it comes later than in some seconds.
SELECT id FROM procrastinate_jobs WHERE queueing_lock = %(lane)s AND status = 'todo'
    AND scheduled_at > clock_timestamp() + make_interval(secs => %(delay)s);

-- name: asleep
-- Lanes that nobody would ever work on, each as a sentence for a person.
SELECT 'the lane ' || l.lane || ' sleeps although deliveries wait in it' FROM lanes l
WHERE l.due IS NULL AND l.parked IS NULL AND {has_work};
