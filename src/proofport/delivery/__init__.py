"""The engine: batches, lanes, the one HTTP client, and the report of a run."""
