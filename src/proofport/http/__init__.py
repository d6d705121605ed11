"""The HTTP client: sends an adapter's calls, with their credentials, and says what a failure means."""
