"""Finds out who asks, and what they may do."""
