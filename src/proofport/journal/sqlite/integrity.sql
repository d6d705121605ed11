-- Looking for damage. Queries find rows that no version writes: each row is a sentence for a person.

-- name: asleep
-- Lanes that nobody would ever work on.
SELECT 'the lane ' || lane || ' sleeps although deliveries wait in it' FROM lanes
WHERE due IS NULL AND parked IS NULL AND {has_work};

-- name: unfit_sent
-- Rows of the log whose lists have different lengths.
SELECT 'the batch ' || turn || ' of the log of what was sent does not hold ' || records || ' ids and bodies' FROM sent
WHERE length(bodies) NOT IN (0, 8 * records) OR length(observed) NOT IN (0, 8 * records)
    OR length(sources) NOT IN (0, 4 * records)
    OR iif(json_valid(CAST(ids AS TEXT)), json_array_length(CAST(ids AS TEXT)) <> records, true);

-- name: unfit_run
-- Runs whose memory or inputs cannot be read.
SELECT 'the run ' || run_id || ' of ' || destination || ' has a memory or inputs that are no JSON' FROM runs
WHERE NOT json_valid(memory) OR NOT json_valid(inputs);

-- name: unfit_memory
-- Adapter memory that cannot be read.
SELECT 'what is kept as ' || key || ' for the lane ' || l.lane || ' is no JSON'
FROM adapter_memory m JOIN lanes l ON l.number = m.lane WHERE NOT json_valid(m.value);
