"""Identity of records: ids, their spellings, and records that are one at the vendor."""
