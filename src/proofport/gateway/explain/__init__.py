"""Explains a record that was delivered: field by field, with the request that carried it as the proof."""
