-- Adapter memory, request budgets and leases of names.

-- name: adapter_memory
-- What is kept for a lane, in the order in which the keys were first written.
SELECT key, value FROM adapter_memory WHERE lane = (SELECT number FROM lanes WHERE lane = %(lane)s) ORDER BY number;

-- name: add_adapter_memory
-- Writes a key that is not there yet.
INSERT INTO adapter_memory (lane, key, value) VALUES (%(number)s, %(key)s, %(value)s) ON CONFLICT DO NOTHING;

-- name: locked_adapter_memory
-- The value of a key, which nobody else changes until the end of the transaction.
SELECT value FROM adapter_memory WHERE lane = %(number)s AND key = %(key)s FOR UPDATE;

-- name: change_adapter_memory
-- Replaces the value of a key.
UPDATE adapter_memory SET value = %(value)s WHERE lane = %(number)s AND key = %(key)s;

-- name: take_permit
-- Reserves the next permit of a budget.
INSERT INTO permits AS p (key, next)
VALUES (%(key)s, journal_now(%(now)s) - %(interval)s * (%(burst)s - 1) + %(interval)s)
ON CONFLICT (key) DO UPDATE SET next = greatest(p.next, excluded.next - %(interval)s) + %(interval)s;

-- name: wait_of_permit
-- The seconds until the permit that was reserved last may be used.
SELECT greatest(0, next - %(interval)s - journal_now(%(now)s)) FROM permits WHERE key = %(key)s;

-- name: make_lease
-- Sees to it that a lease is there to be taken.
INSERT INTO leases (name) VALUES (%(name)s) ON CONFLICT DO NOTHING;

-- name: locked_lease
-- A lease as it stands, which nobody else changes until the end of the transaction.
SELECT journal_now(%(now)s), owner, until, wanted_by, wanted_at FROM leases WHERE name = %(name)s FOR UPDATE;

-- name: take_lease
-- Gives a lease to an owner, or more time.
UPDATE leases SET owner = %(owner)s, until = journal_now(%(now)s) + %(lease)s, wanted_by = %(wanted_by)s WHERE name = %(name)s;

-- name: want_lease
-- Notes that somebody waits for a lease.
UPDATE leases SET wanted_by = %(owner)s, wanted_at = journal_now(%(now)s) WHERE name = %(name)s;

-- name: give_back_lease
-- Frees a lease. Whoever has asked for it lately goes first for a while.
UPDATE leases SET owner = NULL, until = 0,
    wanted_at = CASE WHEN wanted_at > journal_now(%(now)s) - %(fresh)s THEN journal_now(%(now)s) ELSE wanted_at END
WHERE name = %(name)s AND owner = %(owner)s;
