"""status, dead-letter, journal, worker, resume: the queue and the other state in the journal."""
