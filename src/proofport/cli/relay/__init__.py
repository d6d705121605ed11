"""relay, key: the HTTP relay, and who may use it."""
