-- Version 11: the clock, breakdowns of deliveries, the tenant of each lane, and the sources that a commit leaves out.

ALTER TABLE snapshots ADD COLUMN left_out TEXT NOT NULL DEFAULT '[]';   -- a JSON array of sources, like override
ALTER TABLE snapshots ADD COLUMN breakdowns INTEGER NOT NULL DEFAULT 0; -- in a row, of those who delivered it

CREATE TABLE clock (                            -- journal/sql/clock.py
    one INTEGER PRIMARY KEY CHECK (one = 1),
    latest REAL NOT NULL                        -- the latest time that was noted
);

-- A delivery that its lane breaks down at, again and again, is set aside.
ALTER TABLE deliveries ADD COLUMN breakdowns INTEGER NOT NULL DEFAULT 0;    -- in a row, of those who delivered it
ALTER TABLE lanes ADD COLUMN draining INTEGER NOT NULL DEFAULT 0;   -- 1: its owner delivers what is queued

-- Whose lane it is: `proofport.config.names.tenant_of`. Of each tenant, looking for work reads the first that is due.
ALTER TABLE lanes ADD COLUMN tenant TEXT NOT NULL GENERATED ALWAYS AS (
    iif(substr(lane, 1, 1) = '@', substr(lane, 2, instr(lane, '/') - 2), 'default')
) VIRTUAL;
DROP INDEX lanes_due;
CREATE INDEX lanes_due ON lanes (tenant, due) WHERE due IS NOT NULL;
