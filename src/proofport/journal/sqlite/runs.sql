-- Runs, their batches, and what was asked of vendors.

-- name: run_columns
-- The number of a run, and the fields of its view, in their order.
r.number, r.run_id, l.lane, r.destination, r.kind, r.mode, r.state, r.memory, r.started, r.ended, r.report, r.inputs

-- name: run
-- One run.
SELECT {run_columns} FROM runs r JOIN lanes l ON l.number = r.lane
WHERE r.run_id = :run_id AND r.destination = :destination;

-- name: runs
-- The latest runs.
SELECT {run_columns} FROM runs r JOIN lanes l ON l.number = r.lane WHERE {where} ORDER BY r.number DESC LIMIT :limit;

-- name: last_runs
-- Of each destination, kind and mode the latest run that has ended with a report.
SELECT {run_columns} FROM runs r JOIN lanes l ON l.number = r.lane WHERE r.number IN (
    SELECT max(number) FROM runs WHERE state <> 'open' AND report IS NOT NULL GROUP BY destination, kind, mode
) ORDER BY r.number;

-- name: run_of_lane
-- Condition: of a lane.
r.lane = (SELECT number FROM lanes WHERE lane = :lane)

-- name: run_of_id
-- Condition: of an id, to any destination.
r.run_id = :run_id

-- name: run_of_destination
-- Condition: to a destination.
r.destination = :destination

-- name: run_of_kind
-- Condition: of a kind.
r.kind = :kind

-- name: run_of_mode
-- Condition: in a mode.
r.mode = :mode

-- name: run_in_state
-- Condition: in a state.
r.state = :state

-- name: run_since
-- Condition: begun at a time or later.
r.started >= :since

-- name: run_failed
-- Condition: it has ended with another exit code than 0, or was replaced before it ended.
r.state <> 'open' AND (r.report IS NULL OR instr(r.report, '"exit_code":0,') = 0)

-- name: batches
-- The batches of a run.
SELECT number, first, last, records, digest, outcomes FROM batches WHERE run = :run ORDER BY number;

-- name: amend_run
-- Replaces the report of a run that has ended.
UPDATE runs SET report = :report WHERE run_id = :run_id AND destination = :destination AND state <> 'open';

-- name: cut_open_runs
-- Notes that open runs of a lane and kind were cut off, each once.
UPDATE runs SET cut = true WHERE lane = :lane AND kind = :kind AND state = 'open' AND NOT cut;

-- name: is_cut_off
-- One row if a run of a lane, by its name, and kind is open that was not noted as cut off.
SELECT 1 FROM runs WHERE lane = (SELECT number FROM lanes WHERE lane = :lane) AND kind = :kind AND state = 'open'
    AND NOT cut LIMIT 1;

-- name: end_other_runs
-- Ends the open runs of a lane, destination and kind, all but one.
UPDATE runs SET state = 'ended', ended = :now
WHERE lane = :lane AND destination = :destination AND kind = :kind AND state = 'open' AND run_id <> :run_id;

-- name: find_run
-- The number and the lane of a run.
SELECT number, lane FROM runs WHERE run_id = :run_id AND destination = :destination;

-- name: add_run
-- Begins a run.
INSERT INTO runs (run_id, destination, lane, kind, mode, staged, due, inputs, started)
VALUES (:run_id, :destination, :lane, :kind, :mode, :staged, :due, :inputs, :now);

-- name: reopen_run
-- Opens a run again.
UPDATE runs SET state = 'open', cut = false, ended = NULL, report = NULL, settled = NULL, pruned = false
WHERE number = :number;

-- name: completing
-- Notes that the vendor is about to be told to complete a run.
UPDATE runs SET completing = true WHERE number = :number;

-- name: not_completing
-- Notes that a run is not going to be complete.
UPDATE runs SET completing = false WHERE number = :number;

-- name: perhaps_completed
-- Older staged runs that the vendor may have completed, though nobody knows.
SELECT number FROM runs
WHERE lane = :lane AND destination = :destination AND kind = :kind AND completing AND state <> 'complete'
    AND number < :run;

-- name: remember
-- Keeps what an adapter wants to know of its run when that goes on.
UPDATE runs SET memory = :memory WHERE number = :run;

-- name: put_batch
-- Notes a batch, in the place of the one of its number.
INSERT OR REPLACE INTO batches (run, number, first, last, records, digest, outcomes)
VALUES (:run, :number, :first, :last, :records, :digest, :outcomes);

-- name: end_run
-- Ends a run. A staged one that is complete takes its turn in the last delivered state: after all that was sent before.
UPDATE runs SET state = :state, ended = :now, report = :report, settled = CASE WHEN staged AND :state = 'complete'
    THEN ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'sent'), 0) + 0.5 END
WHERE number = :run;

-- name: add_attempt
-- Notes a call to a vendor.
INSERT INTO attempts (lane, operation, status, seconds, sent_bytes, digest, message, at, run_id, delivery)
VALUES (:number, :operation, :status, :seconds, :sent_bytes, :digest, :message, :at, :run_id, :delivery);

-- name: attempts
-- The latest calls.
SELECT operation, status, seconds, sent_bytes, digest, message, at, run_id, delivery FROM attempts
WHERE {where} ORDER BY number DESC LIMIT :limit;

-- name: attempt_of_run
-- Condition: for a run.
run_id = :run_id

-- name: attempt_of_lane
-- Condition: for a lane.
lane = (SELECT number FROM lanes WHERE lane = :lane)
