-- The last delivered state, one row an id.
--
-- A lane has one writer at a time, so rows are written in the order of delivery and the later one wins. What a staged
-- run sends is kept beside them, a row a batch, and written over them when the run is complete; until then its ids are
-- only named: they belong to its set.

-- name: find_set
-- The set of a lane and kind.
SELECT number FROM sets WHERE lane = %(lane)s AND kind = %(kind)s;

-- name: make_set
-- Makes the set of a lane and kind.
INSERT INTO sets (lane, kind, keyed) VALUES (%(lane)s, %(kind)s, 1) ON CONFLICT DO NOTHING;

-- name: set_of
-- The set of a lane, by its name, and kind.
SELECT s.number FROM sets s JOIN lanes l ON l.number = s.lane WHERE l.lane = %(lane)s AND s.kind = %(kind)s

-- name: doubt_all
-- Notes that everything that was delivered may have been overwritten since.
UPDATE sets SET cuts = cuts + 1;

-- name: doubt_set
-- Notes that all of a set up to now may have been overwritten.
UPDATE sets SET cuts = cuts + 1 WHERE number = %(set)s;

-- name: doubt_kind
-- Doubts all that was delivered of a kind.
UPDATE known SET body = %(doubt)s
WHERE body <> 0 AND of_set IN (SELECT number FROM sets WHERE lane = %(number)s AND kind = %(kind)s);

-- name: last_of_each
-- The rows of `known` for the last body of each id of `g` (id, body, observed, source, spelling, place); 0 only names
-- an id.
SELECT %(set)s::int, id, %(run)s::int, (array_agg(body ORDER BY place DESC) FILTER (WHERE body <> 0))[1],
    coalesce((array_agg(observed ORDER BY place DESC) FILTER (WHERE body <> 0))[1], 0),
    (SELECT cuts FROM sets WHERE number = %(set)s),
    coalesce((array_agg(source ORDER BY place DESC) FILTER (WHERE source <> 0))[1], 0),
    (array_agg(spelling ORDER BY place))[1]

-- name: write_over
-- Writes rows over those of the same ids. A body in doubt (1) over one that was delivered makes that one 2
-- (PERHAPS_OVERWRITTEN).
ON CONFLICT (of_set, id) DO UPDATE SET run = coalesce(excluded.run, known.run),
    body = CASE WHEN excluded.body = 1 AND known.body NOT IN (0, 1) THEN 2 ELSE coalesce(excluded.body, known.body) END,
    observed = CASE WHEN excluded.body IS NULL THEN known.observed ELSE excluded.observed END,
    cuts = CASE WHEN excluded.body IS NULL THEN known.cuts ELSE excluded.cuts END,
    source = CASE WHEN excluded.source = 0 THEN known.source ELSE excluded.source END,
    spelling = CASE WHEN known.body IS NULL THEN excluded.spelling ELSE known.spelling END

-- name: deliver
-- Notes what was delivered.
INSERT INTO known (of_set, id, run, body, observed, cuts, source, spelling) {last_of_each}
FROM (
    SELECT id, body, observed, coalesce(source, 0) AS source, spelling, place
    FROM unnest(%(ids)s::bytea[], %(bodies)s::bigint[], %(observed)s::float8[], %(sources)s::int[],
        %(spellings)s::bytea[]) WITH ORDINALITY AS u (id, body, observed, source, spelling, place)
) g
GROUP BY id {write_over};

-- name: stage
-- Keeps what a staged run has sent until the run is complete.
INSERT INTO staged (run, removed, ids, bodies, observed, sources, spellings)
VALUES (%(run)s, %(removed)s, %(ids)s, %(bodies)s::bigint[], %(observed)s::float8[], %(sources)s::int[],
    %(spellings)s::bytea[]);

-- name: of_staged
-- What staged runs have sent.
SELECT u.id, u.body, u.observed, coalesce(u.source, 0) AS source, u.spelling, (s.turn, u.place) AS place
FROM staged s, unnest(s.ids, s.bodies, s.observed, s.sources, s.spellings) WITH ORDINALITY
    AS u (id, body, observed, source, spelling, place)
WHERE NOT s.removed

-- name: doubt_staged
-- Puts what a staged run has sent in doubt. It belongs to the set of no run.
INSERT INTO known (of_set, id, run, body, observed, cuts, source, spelling) {last_of_each}
FROM (
    SELECT id, 1 AS body, observed, source, spelling, place FROM ({of_staged} AND s.run = %(of_run)s) s
) g
GROUP BY id {write_over};

-- name: deliver_staged
-- Notes what a staged run has sent, once it is complete.
INSERT INTO known (of_set, id, run, body, observed, cuts, source, spelling) {last_of_each}
FROM ({of_staged} AND s.run = %(run)s) g
GROUP BY id {write_over};

-- name: remove
-- Drops ids from the last delivered state.
DELETE FROM known WHERE of_set = %(set)s AND id = ANY(%(ids)s::bytea[]);

-- name: remove_staged
-- Drops the ids that a staged run has removed, once it is complete.
DELETE FROM known WHERE of_set = %(set)s AND id IN (SELECT unnest(ids) FROM staged WHERE run = %(run)s AND removed);

-- name: drop_staged
-- Drops what was kept of a staged run.
DELETE FROM staged WHERE run = %(run)s;

-- name: drop_unfinished
-- Drops what older staged runs sent and never completed: it will not be delivered any more.
DELETE FROM staged WHERE run IN (
    SELECT number FROM runs
    WHERE lane = %(lane)s AND destination = %(destination)s AND kind = %(kind)s AND staged AND state <> 'complete'
        AND number < %(run)s
);

-- name: keep_bodies
-- Keeps the last body of each id that has one. What is delivered again (0 and 1 are not) is no tombstone any more.
WITH returned AS (
    DELETE FROM tombstones WHERE of_set = %(set)s AND id IN (
        SELECT id FROM unnest(%(ids)s::bytea[], %(bodies)s::bigint[]) AS g (id, body) WHERE body NOT IN (0, 1)
    )
)
INSERT INTO bodies (of_set, id, body, run, delivery)
SELECT %(set)s, id, (array_agg(body ORDER BY place DESC))[1], %(run)s::int, %(delivery)s::bigint
FROM unnest(%(ids)s::bytea[], %(items)s::bytea[]) WITH ORDINALITY AS g (id, body, place)
WHERE body <> '' GROUP BY id
ON CONFLICT (of_set, id) DO UPDATE SET body = excluded.body, run = excluded.run, delivery = excluded.delivery;

-- name: empty_bodies
-- Empties the bodies of ids that were removed.
UPDATE bodies SET body = '', run = %(run)s, delivery = %(delivery)s
WHERE of_set = %(set)s AND id = ANY(%(ids)s::bytea[]);

-- name: known
-- What was last delivered for some ids: 2 (PERHAPS_OVERWRITTEN) where it was doubted since; 1 is IN_DOUBT already.
SELECT k.id, CASE WHEN k.cuts < s.cuts AND k.body <> 1 THEN 2 ELSE k.body END, k.observed, k.source
FROM known k JOIN sets s ON s.number = k.of_set
WHERE k.of_set = ({set_of}) AND k.id = ANY(%(ids)s::bytea[]) AND k.body <> 0;

-- name: known_count
-- The number of ids that are known.
SELECT count(*) FROM known WHERE of_set = ({set_of}) AND body <> 0;

-- name: gone
-- Ids that are known, and that do not belong to the set of a run.
SELECT id FROM known WHERE of_set = ({set_of}) AND id > %(after)s AND body <> 0
    AND coalesce(run, 0) NOT IN (SELECT number FROM runs WHERE run_id = %(run_id)s)
ORDER BY id LIMIT %(limit)s;

-- name: kept_body
-- The bodies of some ids.
SELECT id, body FROM bodies WHERE of_set = ({set_of}) AND id = ANY(%(ids)s::bytea[]);

-- name: kept
-- Ids with a body that is kept, and what sent or removed it.
SELECT b.id, r.run_id, b.body, b.delivery, coalesce(k.body, 0) = 0 FROM bodies b
LEFT JOIN known k ON k.of_set = b.of_set AND k.id = b.id LEFT JOIN runs r ON r.number = b.run
WHERE b.of_set = ({set_of}) AND b.id > %(after)s AND (k.body <> 0 OR b.body = '') ORDER BY b.id LIMIT %(limit)s;

-- name: missing_since
-- When the ids that are missing, or gone, were first missing.
SELECT id, gone_at FROM tombstones WHERE of_set = %(set)s;

-- name: drop_missing
-- Drops what was noted of ids that were missing, and are not gone.
DELETE FROM tombstones WHERE of_set = %(set)s AND body IS NULL;

-- name: note_missing
-- Notes when an id was first missing.
INSERT INTO tombstones (of_set, id, gone_at) VALUES (%(set)s, %(id)s, %(gone_at)s) ON CONFLICT DO NOTHING;

-- name: keep_tombstone
-- Keeps the body of an id that is gone. When it was first missing stays.
INSERT INTO tombstones (of_set, id, body, gone_at)
SELECT of_set, id, body, %(gone_at)s::float8 FROM bodies WHERE of_set = %(set)s AND id = %(id)s AND body <> ''
ON CONFLICT (of_set, id) DO UPDATE SET body = excluded.body;

-- name: drop_old_tombstones
-- Drops what has been gone for too long.
DELETE FROM tombstones WHERE of_set = %(set)s AND gone_at < %(since)s;

-- name: has_tombstones
-- One row if anything of a set is gone, or missing.
SELECT 1 FROM tombstones WHERE of_set = %(set)s LIMIT 1;

-- name: drop_tombstone
-- Drops the tombstone of an id.
DELETE FROM tombstones WHERE of_set = %(set)s AND id = %(id)s;

-- name: tombstones
-- What is gone, with the last body and the time.
SELECT id, body, gone_at FROM tombstones WHERE of_set = ({set_of}) AND body IS NOT NULL AND gone_at >= %(since)s
    AND id > %(after)s ORDER BY id LIMIT %(limit)s;

-- name: spelling_state
-- True and false: every id stands under its key; some id is, or was, written otherwise.
SELECT keyed, spelled FROM sets WHERE number = ({set_of});

-- name: note_spelled
-- Notes that some id is written otherwise than its key.
UPDATE sets SET spelled = 1 WHERE number = %(set)s AND spelled = 0;

-- name: note_keyed
-- Notes that every id stands under its key.
UPDATE sets SET keyed = 1 WHERE number = %(set)s;

-- name: free_key
-- Makes way for an id under its key, where what stood there is known no more.
DELETE FROM known WHERE of_set = %(set)s AND id = %(key)s AND coalesce(body, 0) = 0;

-- name: rekey
-- Moves an id under its key, unless another id stands there.
UPDATE known SET id = %(key)s, spelling = coalesce(spelling, %(id)s) WHERE of_set = %(set)s AND id = %(id)s
    AND NOT EXISTS (SELECT 1 FROM known k WHERE k.of_set = %(set)s AND k.id = %(key)s);

-- name: free_body
-- Makes way for the body of an id under its key.
DELETE FROM bodies WHERE of_set = %(set)s AND id = %(key)s;

-- name: rekey_body
-- Moves the body of an id under its key.
UPDATE bodies SET id = %(key)s WHERE of_set = %(set)s AND id = %(id)s;

-- name: note_arrived
-- Notes when something of a kind arrived, and if the set is complete now.
UPDATE sets SET complete_at = CASE WHEN %(complete)s::boolean THEN journal_now(%(now)s) ELSE complete_at END,
    delivered_at = CASE WHEN %(delivered)s::boolean THEN journal_now(%(now)s) ELSE delivered_at END,
    confirmed_at = CASE WHEN %(confirmed)s::boolean THEN journal_now(%(now)s) ELSE confirmed_at END
WHERE number = %(set)s;

-- name: arrivals
-- When something of each kind last arrived in each lane.
SELECT l.lane, s.kind, s.complete_at, s.delivered_at, s.confirmed_at
FROM sets s JOIN lanes l ON l.number = s.lane ORDER BY l.lane, s.kind;
