"""The handlers, one file a resource. Loading this package declares every route, in the order of the documentation."""
