-- Adapter memory, request budgets and leases of names.

-- name: adapter_memory
-- What is kept for a lane, in the order in which the keys were first written.
SELECT key, value FROM adapter_memory WHERE lane = (SELECT number FROM lanes WHERE lane = :lane) ORDER BY number;

-- name: add_adapter_memory
-- Writes a key that is not there yet.
INSERT INTO adapter_memory (lane, key, value) VALUES (:number, :key, :value) ON CONFLICT DO NOTHING;

-- name: locked_adapter_memory
-- The value of a key, which nobody else changes until the end of the transaction.
SELECT value FROM adapter_memory WHERE lane = :number AND key = :key;

-- name: change_adapter_memory
-- Replaces the value of a key.
UPDATE adapter_memory SET value = :value WHERE lane = :number AND key = :key;

-- name: take_permit
-- Reserves the next permit of a budget.
INSERT INTO permits (key, next) VALUES (:key, :now - :interval * (:burst - 1) + :interval)
ON CONFLICT (key) DO UPDATE SET next = max(next, excluded.next - :interval) + :interval;

-- name: wait_of_permit
-- The seconds until the permit that was reserved last may be used.
SELECT max(0.0, next - :interval - :now) FROM permits WHERE key = :key;

-- name: make_lease
-- Sees to it that a lease is there to be taken.
INSERT INTO leases (name) VALUES (:name) ON CONFLICT DO NOTHING;

-- name: locked_lease
-- A lease as it stands, which nobody else changes until the end of the transaction.
SELECT :now, owner, until, wanted_by, wanted_at FROM leases WHERE name = :name;

-- name: take_lease
-- Gives a lease to an owner, or more time.
UPDATE leases SET owner = :owner, until = :now + :lease, wanted_by = :wanted_by WHERE name = :name;

-- name: want_lease
-- Notes that somebody waits for a lease.
UPDATE leases SET wanted_by = :owner, wanted_at = :now WHERE name = :name;

-- name: give_back_lease
-- Frees a lease. Whoever has asked for it lately goes first for a while.
UPDATE leases SET owner = NULL, until = 0, wanted_at = iif(wanted_at > :now - :fresh, :now, wanted_at)
WHERE name = :name AND owner = :owner;
