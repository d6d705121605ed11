"""What both journals have in common: their methods, written over named queries that each database words for itself."""
