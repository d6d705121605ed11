"""Everything that an auditor is shown: receipts, the log that holds them, and what proves it. See docs/audit.md."""
