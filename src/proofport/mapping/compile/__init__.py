"""Rules to one Python function: source mappings, vendor mappings, and the check of evidence as it stands."""
