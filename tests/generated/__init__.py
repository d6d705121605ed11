"""The tables of `docs/` that code writes, and the test that they are up to date.

A table stands between `<!-- generated: NAME -->` and `<!-- end -->`. `python -m tests.generated` writes all of them.
"""
