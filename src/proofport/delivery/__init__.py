"""The one path by which records reach a vendor.

`run` and `destination_run` deliver, `queue` delivers what was accepted before, `snapshot` ends a set. Three modules answer
what a set is judged by: `whole` (was it read to its end), `gone` (what does it lack), `same` (which bodies are equal).
"""
