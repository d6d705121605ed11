"""Upkeep of a journal: checked, pruned, without one person, filled again from what a vendor lists."""
