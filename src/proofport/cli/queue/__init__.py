"""status, resume, dead-letter, journal: the queue and the other state in the journal."""
