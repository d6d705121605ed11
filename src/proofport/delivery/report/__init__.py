"""What a run tells: outcomes, problems, rules that match nothing, and why a destination stops."""
