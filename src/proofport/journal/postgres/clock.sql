-- A clock that was set back: proofport/journal/sql/clock.py.

-- name: time
-- What the clock says.
SELECT journal_now(%(now)s);

-- name: locked_clock
-- The seconds since the latest time that was noted, less than 0 for a clock that went back. Nobody else notes one until
-- the end of the transaction.
SELECT journal_now(%(now)s) - latest FROM clock FOR UPDATE;

-- name: note_clock
-- Notes the time.
INSERT INTO clock (one, latest) VALUES (1, journal_now(%(now)s))
ON CONFLICT (one) DO UPDATE SET latest = excluded.latest;

-- name: shift_lanes
-- Moves rests of lanes, and when they may be claimed.
UPDATE lanes SET next_at = CASE WHEN next_at > journal_now(%(now)s) THEN next_at + %(by)s ELSE next_at END,
    due = CASE WHEN due > journal_now(%(now)s) THEN due + %(by)s ELSE due END
WHERE next_at > journal_now(%(now)s) OR due > journal_now(%(now)s);

-- name: shift_lane_runs
-- Moves leases of lanes.
UPDATE lane_runs SET lease_until = greatest(lease_until + %(by)s, journal_now(%(now)s) + %(grace)s)
WHERE lease_until > journal_now(%(now)s);

-- name: shift_commits
-- Moves leases of commits.
UPDATE snapshots SET lease_until = greatest(lease_until + %(by)s, journal_now(%(now)s) + %(grace)s)
WHERE state = 'committed' AND lease_until > journal_now(%(now)s);

-- name: shift_leases
-- Moves leases of names, and wishes for them.
UPDATE leases SET
    until = CASE WHEN until > journal_now(%(now)s)
        THEN greatest(until + %(by)s, journal_now(%(now)s) + %(grace)s) ELSE until END,
    wanted_at = CASE WHEN wanted_at > journal_now(%(now)s) THEN wanted_at + %(by)s ELSE wanted_at END
WHERE until > journal_now(%(now)s) OR wanted_at > journal_now(%(now)s);

-- name: shift_permits
-- Moves budgets. They go on at their pace, without a burst.
UPDATE permits SET next = greatest(next + %(by)s, journal_now(%(now)s)) WHERE next > journal_now(%(now)s);

-- name: shift_jobs
-- Moves jobs that wait.
UPDATE procrastinate_jobs SET scheduled_at = scheduled_at + make_interval(secs => %(by)s)
WHERE status = 'todo' AND scheduled_at > clock_timestamp();

-- name: shift_workers
-- Moves signs of life: of a worker that has died, others wait for the end.
UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat + make_interval(secs => %(by)s)
WHERE last_heartbeat > clock_timestamp();
