"""The report of a run: outcomes, problems, rules that match nothing, and why a destination stops."""
