"""The mapping language: files of YAML to checked rules."""
