-- Version 6: bodies of dead letters, and what may have been overwritten by a run that was cut off.

ALTER TABLE deliveries ADD COLUMN bodies BLOB;          -- dead: what was sent; else: what to send as it is
ALTER TABLE runs ADD COLUMN cut INTEGER NOT NULL DEFAULT 0;     -- found open by a later beginning, which took note of it
ALTER TABLE sets ADD COLUMN doubted INTEGER NOT NULL DEFAULT 0; -- the turn up to which bodies may have been overwritten
