"""push, plan, preview, verify: evidence on its way to destinations, and how the results are shown."""
