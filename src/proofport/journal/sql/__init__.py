"""The part that both journals share: their methods, over named queries that each database words for itself."""
