"""Reads inputs: from documents to batches of record bodies."""
