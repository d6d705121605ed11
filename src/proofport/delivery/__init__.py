"""The one path by which records reach a vendor.

`run` and `destination_run` deliver, `queue` delivers what was accepted before, and `snapshot` ends a set. Three modules
say what holds of a set: `whole` (nothing of it is missing), `gone` (what it lacks), `same` (what need not be sent).
"""
