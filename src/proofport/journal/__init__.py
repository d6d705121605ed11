"""What proofport remembers between runs."""
