-- Receipts, the log that they are in, and the keys that have signed them.

-- name: log_head
-- The end of the log: its size, the branch that goes on, how many receipts that has, and the digest of the last one.
SELECT (SELECT count(*) FROM receipts), b.name,
    (SELECT count(*) FROM receipts WHERE branch = b.name),
    (SELECT digest FROM receipts ORDER BY place DESC LIMIT 1)
FROM receipt_branches b ORDER BY b.number DESC LIMIT 1;

-- name: begin_first_branch
-- Begins the log, unless it was begun.
INSERT INTO receipt_branches (number, name, begun, size) VALUES (1, %(branch)s, journal_now(%(now)s), 0) ON CONFLICT DO NOTHING;

-- name: begin_branch
-- Begins a branch that follows what the log holds.
INSERT INTO receipt_branches (number, name, begun, size)
SELECT (SELECT coalesce(max(number), 0) + 1 FROM receipt_branches), %(branch)s, journal_now(%(now)s), (SELECT count(*) FROM receipts);

-- name: branches
-- The branches, in the order in which they were begun.
SELECT name, begun, size FROM receipt_branches ORDER BY number;

-- name: receipt_of
-- One row if a run has its receipt.
SELECT 1 FROM receipts WHERE run_id = %(run_id)s AND destination = %(destination)s;

-- name: add_receipt
-- Adds a receipt in its place, unless another one has taken that.
INSERT INTO receipts (place, branch, sequence, run_id, destination, at, leaf, digest, envelope)
SELECT %(place)s, %(branch)s, %(sequence)s, %(run_id)s, %(destination)s, journal_now(%(now)s), %(leaf)s, %(digest)s, %(envelope)s
WHERE %(place)s = (SELECT count(*) FROM receipts) ON CONFLICT DO NOTHING;

-- name: add_receipt_file
-- Keeps something beside a receipt.
INSERT INTO receipt_files (receipt, name, content) VALUES (%(place)s, %(name)s, %(content)s);

-- name: not_due
-- Notes that a run has its receipt.
UPDATE runs SET due = false WHERE run_id = %(run_id)s AND destination = %(destination)s;

-- name: due_runs
-- Runs that lack their receipt.
SELECT run_id, destination FROM runs WHERE due ORDER BY number LIMIT %(limit)s;

-- name: receipts
-- Receipts, in the order of the log.
SELECT place, branch, sequence, run_id, destination, at, envelope,
    ARRAY(SELECT name FROM receipt_files WHERE receipt = place ORDER BY name)
FROM receipts WHERE place >= %(first)s AND {where} ORDER BY place LIMIT %(limit)s;

-- name: receipt_of_run
-- Condition: of a run.
run_id = %(run_id)s

-- name: receipt_file
-- What is kept beside a receipt under a name.
SELECT content FROM receipt_files WHERE receipt = %(place)s AND name = %(name)s;

-- name: leaves
-- The hashes of receipts, in the order of the log.
SELECT leaf FROM receipts WHERE place >= %(first)s ORDER BY place LIMIT %(limit)s;

-- name: receipt_keys
-- The keys, in the order in which they were added.
SELECT public, since, until, rotation FROM receipt_keys ORDER BY number;

-- name: last_receipt_key
-- The key that signs.
SELECT public FROM receipt_keys ORDER BY number DESC LIMIT 1;

-- name: end_receipt_keys
-- Ends the key that signs.
UPDATE receipt_keys SET until = %(at)s WHERE until IS NULL;

-- name: add_receipt_key
-- Adds a key.
INSERT INTO receipt_keys (public, since, until, rotation) VALUES (%(public)s, %(since)s, %(until)s, %(rotation)s);

-- name: add_stamp
-- Keeps a time stamp of the log, unless it has one of this size.
INSERT INTO receipt_stamps (size, at, note, answer) VALUES (%(size)s, %(at)s, %(note)s, %(answer)s)
ON CONFLICT DO NOTHING;

-- name: stamps
-- Time stamps, in the order of the log.
SELECT size, at, note, answer FROM receipt_stamps WHERE size > %(after)s ORDER BY size LIMIT %(limit)s;

-- name: stamped
-- How many receipts have a time stamp.
SELECT coalesce(max(size), 0) FROM receipt_stamps;

-- name: keep_text
-- Keeps a text by its digest.
INSERT INTO kept_texts (digest, content) VALUES (%(digest)s, %(content)s) ON CONFLICT DO NOTHING;

-- name: kept_text
-- The text of a digest.
SELECT content FROM kept_texts WHERE digest = %(digest)s;
