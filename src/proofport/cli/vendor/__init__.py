"""init, doctor, provision, schema, call, emulate: one vendor, its objects and its emulator."""
