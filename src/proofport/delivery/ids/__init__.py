"""What is the same record: ids, their spellings, and records that are one at the vendor."""
