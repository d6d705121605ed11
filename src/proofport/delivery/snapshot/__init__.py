"""A set as a whole: what it lacks, whether it may take the place of the one before, and its end.

A staged set is completed (`staged`), a whole set is sent (`replaced`), any other is compared with the set before
(`compared`). Nothing that follows from a record's absence leaves before the guard has agreed: `Stages.complete`,
`Replaces.replace` and `Ends.end` are called in this package and nowhere else.
"""
