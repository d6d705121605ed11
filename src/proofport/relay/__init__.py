"""The HTTP endpoint: takes evidence in, and answers once it is durable.

Rooms, from the ground up; each imports only from those before it:

    problems.py   every error of the relay (RFC 9457), and the middleware that words exceptions as problems
    body/         the body of a request: its limits, its documents, and the intake that checks and packs each record
    access/       who asks (caller, by key), how often a key may be used, and the headers of every answer
    operating/    access log, metrics, backlog and backpressure, readiness, requests in flight, carrying out commits,
                  and connections that answer bytes that are not HTTP
    console/      the documentation page
    state.py      what handlers find in the application under RELAY
    api/          the handlers with their routes, the models of their answers, and the OpenAPI document
    serving.py    lists the routes, serves them, delivers in the background, and stops in order

A request passes the access log, the problems middleware, the count of requests in flight and the keys; then its route
checks the scope of the key, reads the query, and calls the handler. Handlers find who asks in the request under CALLER.

A destination of another tenant than `default` is configured and journalled as `@<tenant>/<name>`. Callers name it, and
see it, as `<name>` (`proofport.config.names`).
"""
