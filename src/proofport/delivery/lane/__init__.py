"""What is kept of a lane: its lease, what is about to be sent, what was delivered last, and what the vendor holds."""
