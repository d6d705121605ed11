"""The HTTP endpoint: evidence in, durable before it answers.

A request passes, from the outside to the inside:

    serving.py       listens, delivers in the background, stops in order
    protocol.py      what is no HTTP at all is answered with a problem, too
    problems.py      every error there is (RFC 9457): the catalogue, and the middleware that words them
    limits.py        sizes, counts and rates, before anything is parsed
    auth.py          who asks: puts a Caller into the request (caller.py), found by its key (keys.py)
    routes.py        which handler answers, and what its caller must be allowed to do
    parameters.py    the query as a model
    intake.py        the body, record by record: checked, packed, its mistakes listed
    api/             the handlers, one file a resource, and models.py: what they answer
    committing.py    carries out the snapshots that were committed

What stands beside that path: openapi.py and page.py describe the routes (/openapi.json, /docs); application.py puts
everything together. A handler finds what it works with in the application under RELAY, and who asks under CALLER.

A destination of another tenant than `default` is configured and journalled as `@<tenant>/<name>` (see
`proofport.tenancy`, lanes are named alike); a caller names it, and is told of it, as `<name>` (`Caller.full_name`,
`Caller.own_name`).
"""
