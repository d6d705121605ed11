"""The end of a snapshot: a staged set is completed, a whole set is sent, any other is compared with the set before.

Nothing that follows from a record's absence leaves before the guard has agreed: `Stages.complete`, `Replaces.replace`
and `Ends.end` are called in this package and nowhere else.
"""
