-- Keys of the relay.

-- name: access_columns
-- The fields of a key, in their order.
prefix, name, tenant, proof, may_read, may_write, created, destinations, kinds, expires, revoked, used

-- name: add_access_key
-- Adds a key, unless its prefix is taken.
INSERT INTO access_keys ({access_columns})
VALUES (%(prefix)s, %(name)s, %(tenant)s, %(proof)s, %(may_read)s, %(may_write)s, %(created)s, %(destinations)s, %(kinds)s, %(expires)s, %(revoked)s,
    %(used)s)
ON CONFLICT DO NOTHING;

-- name: access_key
-- One key.
SELECT {access_columns} FROM access_keys WHERE prefix = %(prefix)s;

-- name: access_keys
-- All keys, or those of a tenant, in the order in which they were added.
SELECT {access_columns} FROM access_keys WHERE tenant = coalesce(%(tenant)s, tenant) ORDER BY number;

-- name: revoke_access_key
-- Revokes a key; the first time counts.
UPDATE access_keys SET revoked = coalesce(revoked, journal_now(%(now)s)) WHERE prefix = %(prefix)s;

-- name: note_access
-- Notes when a key was last used.
UPDATE access_keys SET used = greatest(used, %(at)s) WHERE prefix = %(prefix)s;
