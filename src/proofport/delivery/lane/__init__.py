"""All that is kept of a lane: its lease, what is about to be sent, was delivered last, and what the vendor holds."""
