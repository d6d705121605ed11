"""The one path by which records reach a vendor.

`run` and `destination_run` deliver, and `queue` delivers what was accepted before. `reading` makes batches of inputs,
`ids` says what is the same record, `lane` keeps what was sent, `snapshot` says what holds of a set and ends it, and
`report` tells what happened.
"""
