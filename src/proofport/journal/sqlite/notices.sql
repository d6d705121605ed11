-- Notices: what is wrong now, and what is still to be told about it.

-- name: causes
-- What is wrong now, in the order of noting.
SELECT key, event, content, since FROM causes ORDER BY number;

-- name: add_cause
-- Notes what is wrong, unless it is noted.
INSERT INTO causes (key, number, event, content, since)
SELECT :key, (SELECT ifnull(max(number), 0) + 1 FROM causes), :event, :content, :now WHERE true
ON CONFLICT DO NOTHING;

-- name: locked_cause
-- One row if a cause is noted, which nobody else drops until the end of the transaction.
SELECT 1 FROM causes WHERE key = :key;

-- name: drop_cause
-- Forgets a cause.
DELETE FROM causes WHERE key = :key;

-- name: add_notice
-- Notes what is to be told of a cause: that it has begun, or that it is over.
INSERT INTO notices (webhook, event, content, since, over, next_at)
SELECT :webhook, event, content, since, CASE WHEN :is_over THEN :now END, :now FROM causes WHERE key = :key;

-- name: due_notices
-- Of each webhook the first notice, where its time has come.
SELECT number, webhook, event, content, since, over, attempts FROM notices
WHERE number IN (SELECT min(number) FROM notices GROUP BY webhook) AND next_at <= :now ORDER BY number;

-- name: drop_notice
-- Drops a notice.
DELETE FROM notices WHERE number = :number;

-- name: delay_notice
-- Counts an attempt, and lets a notice wait.
UPDATE notices SET attempts = attempts + 1, next_at = :now + :delay WHERE number = :number;

-- name: renumber_webhook
-- Gives the notices of a webhook another number.
UPDATE notices SET webhook = :new WHERE webhook = :old;
