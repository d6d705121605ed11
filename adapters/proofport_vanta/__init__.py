"""Vanta: whole sets of resources of one application, each in one request."""
