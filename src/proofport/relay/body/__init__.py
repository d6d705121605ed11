"""Reads the body of a request: within its limits, document by document, to checked and packed evidence."""
