-- Keys of the relay.

-- name: access_columns
-- The fields of a key, in their order.
prefix, name, tenant, proof, may_read, may_write, created, destinations, kinds, expires, revoked, used

-- name: add_access_key
-- Adds a key, unless its prefix is taken.
INSERT INTO access_keys ({access_columns})
VALUES (:prefix, :name, :tenant, :proof, :may_read, :may_write, :created, :destinations, :kinds, :expires, :revoked,
    :used)
ON CONFLICT DO NOTHING;

-- name: access_key
-- One key.
SELECT {access_columns} FROM access_keys WHERE prefix = :prefix;

-- name: access_keys
-- All keys, or those of a tenant, in the order in which they were added.
SELECT {access_columns} FROM access_keys WHERE tenant = ifnull(:tenant, tenant) ORDER BY number;

-- name: revoke_access_key
-- Revokes a key; the first time counts.
UPDATE access_keys SET revoked = ifnull(revoked, :now) WHERE prefix = :prefix;

-- name: note_access
-- Notes when a key was last used.
UPDATE access_keys SET used = max(ifnull(used, 0), :at) WHERE prefix = :prefix;
