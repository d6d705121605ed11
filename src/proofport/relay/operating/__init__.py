"""For the person who runs the relay: health, metrics, the log, refusing too much, stopping, carrying out commits."""
