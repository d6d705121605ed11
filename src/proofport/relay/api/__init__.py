"""The HTTP API: routes.py lists what can be asked, and one module a resource holds the handlers."""
