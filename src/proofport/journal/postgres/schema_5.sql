-- Version 5: the clock, breakdowns of deliveries, the tenant of each lane, and the sources that a commit leaves out.

ALTER TABLE snapshots ADD COLUMN left_out TEXT[] NOT NULL DEFAULT '{}';     -- sources, like override
ALTER TABLE snapshots ADD COLUMN breakdowns INTEGER NOT NULL DEFAULT 0;     -- in a row, of those who delivered it

CREATE TABLE clock (                            -- journal/sql/clock.py
    one INTEGER PRIMARY KEY CHECK (one = 1),
    latest DOUBLE PRECISION NOT NULL            -- the latest time that was noted
);

-- A delivery that its lane breaks down at, again and again, is set aside.
ALTER TABLE deliveries ADD COLUMN breakdowns INTEGER NOT NULL DEFAULT 0;    -- in a row, of those who delivered it
ALTER TABLE lane_runs ADD COLUMN draining BOOLEAN NOT NULL DEFAULT false;   -- its owner delivers what is queued

-- Whose lane it is: `proofport.config.names.tenant_of`. Looking for work goes from tenant to tenant.
ALTER TABLE lanes ADD COLUMN tenant TEXT NOT NULL GENERATED ALWAYS AS (
    CASE WHEN starts_with(lane, '@') THEN substr(split_part(lane, '/', 1), 2) ELSE 'default' END
) STORED;
DROP INDEX lanes_due;
CREATE INDEX lanes_due ON lanes (tenant, due, number) WHERE due IS NOT NULL;
