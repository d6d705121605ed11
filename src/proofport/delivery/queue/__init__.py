"""Queued deliveries: accepted durably, and delivered in the order of their lanes by whoever works on the journal."""
