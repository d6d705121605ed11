-- Version 9: most submissions are one delivery, which its id finds. The index holds the others.

DROP INDEX deliveries_submission;
CREATE INDEX deliveries_submission ON deliveries (submission) WHERE submission <> id;
