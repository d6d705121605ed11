"""What whoever runs the relay needs: health, metrics, the log, refusing too much, stopping, carrying out commits."""
