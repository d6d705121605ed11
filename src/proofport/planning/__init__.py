"""What a delivery would change, and whether it may: the ids of a run, and the guard."""
