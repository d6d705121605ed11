"""Tells people what is wrong, once, and when it is over: the webhooks of `notices:` in the configuration."""
