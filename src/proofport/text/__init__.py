"""Text for people: the wording of errors, and YAML that knows its line numbers."""
