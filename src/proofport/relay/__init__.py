"""The HTTP endpoint: evidence in, durable before it answers.

A request passes, from the outside to the inside:

    serving.py       listens, delivers in the background, stops in order
    protocol.py      what is no HTTP at all is answered with a problem, too
    access_log.py    one log event for each request, under its id (request_id.py), and its place in the metrics
    problems.py      every error there is (RFC 9457): the catalogue, and the middleware that words them
    in_flight.py     counts the requests, so that the relay stops after them
    security.py      puts keys, limits and headers around the routes
    auth.py          who asks: puts a Caller into the request (caller.py), found by its key (keys.py) within its rate
    routes.py        which handler answers, and what its caller must be allowed to do
    parameters.py    the query, or a small JSON body, as a model
    limits.py        sizes, depth, counts and time, while a body comes in (meter.py)
    intake.py        evidence, record by record (documents.py): checked, packed, its mistakes listed; a body that surely
                     fits (structs.py, alike.py) is packed as it came (canonical.py)
    backpressure.py  refuses evidence while too much waits (backlog.py), or the disk is full
    api/             the handlers, one file a resource; models.py says what they answer
    committing.py    carries out the snapshots that were committed

What stands beside that path: health.py and metrics.py tell whoever runs it how it is; openapi.py and page.py describe
the routes (/openapi.json, /docs); application.py puts everything together. A handler finds what it works with in the
application under RELAY (state.py), and who asks in the request under CALLER.

A destination of another tenant than `default` is configured and journalled as `@<tenant>/<name>`; a caller names it,
and is told of it, as `<name>` (`proofport.tenancy`).
"""
