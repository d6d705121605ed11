"""The handlers, one file a resource. Loading a module declares its routes."""
