-- A clock that was set back: proofport/journal/sql/clock.py.

-- name: locked_clock
-- The seconds since the latest time that was noted, less than 0 for a clock that went back.
SELECT :now - latest FROM clock;

-- name: note_clock
-- Notes the time.
INSERT INTO clock (one, latest) VALUES (1, :now) ON CONFLICT (one) DO UPDATE SET latest = excluded.latest;

-- name: shift_lanes
-- Moves rests and leases of lanes.
UPDATE lanes SET next_at = iif(next_at > :now, next_at + :by, next_at),
    lease_until = iif(lease_until > :now, max(lease_until + :by, :now + :grace), lease_until),
    due = iif(due > :now, max(due + :by, iif(lease_until > :now, :now + :grace, 0)), due)
WHERE next_at > :now OR lease_until > :now OR due > :now;

-- name: shift_commits
-- Moves leases of commits.
UPDATE snapshots SET lease_until = max(lease_until + :by, :now + :grace)
WHERE state = 'committed' AND lease_until > :now;

-- name: shift_leases
-- Moves leases of names, and wishes for them.
UPDATE leases SET until = iif(until > :now, max(until + :by, :now + :grace), until),
    wanted_at = iif(wanted_at > :now, wanted_at + :by, wanted_at)
WHERE until > :now OR wanted_at > :now;

-- name: shift_permits
-- Moves budgets. They go on at their pace, without a burst.
UPDATE permits SET next = max(next + :by, :now) WHERE next > :now;
