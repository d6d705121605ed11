-- Version 4: by which run or queued delivery each kept body was sent; what was removed keeps its id, and no body.

ALTER TABLE bodies ADD COLUMN run INTEGER REFERENCES runs;
ALTER TABLE bodies ADD COLUMN delivery INTEGER REFERENCES deliveries;

UPDATE bodies SET run = (
    SELECT run FROM known WHERE known.of_set = bodies.of_set AND known.id = bodies.id AND known.body <> 0
);
UPDATE bodies SET body = x'' WHERE EXISTS (
    SELECT 1 FROM known WHERE known.of_set = bodies.of_set AND known.id = bodies.id AND known.body = 0
);
