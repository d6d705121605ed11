"""Requests that a relay has to refuse, made from a number: the same number, the same request.

Each kind is a function from chance to a request; whatever it draws, there is something wrong with the request.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

ACCOUNTS = "/v1/evidence/personnel_account?to=drata"
ANYTHING = "/v1/evidence/custom:k1?to=drata"
JSON, NDJSON = "application/json", "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Malformed:
    """`hangs_up`: the sender ends its side, so that there may be nobody to answer. Otherwise it waits."""

    kind: str
    raw: bytes
    hangs_up: bool = False


Chance = random.Random
Makes = Callable[[Chance], bytes]
KINDS: dict[str, Makes] = {}
HANG_UP = {"cut_off", "cut_off_in_the_head", "cut_off_in_a_chunk"}


def malformed(number: int) -> Malformed:
    kind = list(KINDS)[number % len(KINDS)]
    return Malformed(kind, KINDS[kind](random.Random(number)), kind in HANG_UP)


def kind(makes: Makes) -> Makes:
    KINDS[makes.__name__] = makes
    return makes


def request(
    body: bytes, target: str = ACCOUNTS, media: str | None = JSON, *, method: str = "POST", **headers: Any
) -> bytes:
    """`headers`: with `_` for `-`; one that is None is left out."""
    given: Mapping[str, object] = {
        "Host": "localhost",
        "Connection": "close",
        "Content_Type": media,
        "Content_Length": len(body),
        **headers,
    }
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in given.items() if value is not None]
    return "\r\n".join([f"{method} {target} HTTP/1.1", *lines, "", ""]).encode("utf-8", "surrogateescape") + body


def records(chance: Chance) -> list[dict[str, Any]]:
    return [
        {"id": f"a{n}", "email": f"a{n}@example.com", "active": chance.random() < 0.5, "first_name": 'Zoë \\ "x"'}
        for n in range(chance.randrange(1, 20))
    ]


def good(chance: Chance) -> bytes:
    return orjson.dumps(records(chance))


def cut(chance: Chance, text: bytes) -> bytes:
    return text[: chance.randrange(1, len(text))]


# ------------------------------------------------------------------ bodies that are no JSON
@kind
def truncated(chance: Chance) -> bytes:
    return request(cut(chance, good(chance)))


@kind
def empty(chance: Chance) -> bytes:
    return request(chance.choice([b"", b" ", b"\n\n", b"[]", b"[ ]", b"\t[\n]"]))


@kind
def deep(chance: Chance) -> bytes:
    levels = int(10 ** chance.uniform(1.6, 5))
    opening, closing = chance.choice([(b"[", b"]"), (b'{"a":', b"}"), (b'[{"id":', b"}]")])
    return request(opening * levels + b"1" + closing * chance.choice([levels, 0]), ANYTHING)


@kind
def garbage(chance: Chance) -> bytes:
    return request(b"\x00" + chance.randbytes(chance.randrange(1, 5_000)))


@kind
def no_json(chance: Chance) -> bytes:
    words = [b"NaN", b"Infinity", b"undefined", b"'a'", b"{id: 1}", b"[1,]", b'{"a":1,}', b"<xml/>", b"id,email\n1,2"]
    return request(chance.choice([*words, b"01", b"1 2", b'"\t"', b"[[", b"]]", b'{"a"}', b"--", b"tru"]))


@kind
def wrong_encoding(chance: Chance) -> bytes:
    text = good(chance)
    spoiled = [
        text.decode().encode(chance.choice(["utf-16", "utf-32", "utf-16-le"])),
        text.replace(b"example", chance.choice([b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf8\x88", b"\x00"])),
        text.replace(b"example", chance.choice([b"\\ud800", b"\\udfff\\ud800", b"\\uZZZZ", b"\\x41"])),
    ]
    return request(chance.choice(spoiled))


# ------------------------------------------------------------------ JSON that is no evidence
@kind
def huge_number(chance: Chance) -> bytes:
    digits = b"9" * chance.choice([20, 21, 400, 5_000, 100_000])
    number = chance.choice([digits, b"-" + digits, b"1e400", b"-1e999999", b"0.1e" + digits[:20]])
    return request(b'[{"id":"a","n":' + number + b"}]", ANYTHING)


@kind
def wrong_records(chance: Chance) -> bytes:
    wrong: list[Any] = [
        None,
        True,
        7,
        "text",
        [],
        {},
        [[]],
        {"id": None},
        {"id": ""},
        {"id": 7},
        {"id": ["a"]},
        {"id": {}},
    ]
    spoiled: list[Any] = records(chance)
    spoiled.insert(chance.randrange(len(spoiled) + 1), chance.choice(wrong))
    return request(orjson.dumps(spoiled))


@kind
def wrong_fields(chance: Chance) -> bytes:
    spoiled = records(chance)
    name = chance.choice(["email", "active", "roles", "last_login_at", "extras", "no_such_field", "Ω" * 2_000])
    spoiled[-1][name] = chance.choice([7.5, {"a": [1]}, [[None]], "2026-13-45"]) if name != "email" else ["x"]
    return request(orjson.dumps(spoiled))


@kind
def too_many(chance: Chance) -> bytes:
    """More than the records of one body, or than its bytes."""
    return request(chance.choice([b"[" + b"{}," * 6_000 + b"{}]", b" " * 300_000, b'["' + b"x" * 300_000 + b'"]']))


@kind
def broken_lines(chance: Chance) -> bytes:
    lines = [orjson.dumps(each) for each in records(chance)]
    wrong = [b"{", b"nonsense", b"[]", b"null", b'{"id":', b"\xff", b"7", lines[0][:-1], b"[" * 40, b'{"id":"b"} {}']
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(wrong))
    return request(
        chance.choice([b"\n", b"\r\n", b"\n\n"]).join(lines), media=chance.choice([NDJSON, "application/jsonl"])
    )


@kind
def array_as_lines(chance: Chance) -> bytes:
    return request(orjson.dumps(records(chance), option=orjson.OPT_INDENT_2), media=NDJSON)


# ------------------------------------------------------------------ what is said of the body
@kind
def wrong_type(chance: Chance) -> bytes:
    media = ["text/plain", "application/xml", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
    more = ["application/json-patch+json", "json", "*/*", "application/", "/", "Ω/Ω", ";" * 50, "a" * 4_000, "", None]
    return request(good(chance), media=chance.choice([*media, *more]))


@kind
def encoded(chance: Chance) -> bytes:
    return request(
        good(chance), Content_Encoding=chance.choice(["gzip", "br", "deflate", "zstd", "nonsense", "a" * 900])
    )


@kind
def wrong_length(chance: Chance) -> bytes:
    body = good(chance)
    wrong = ["-1", "1e3", "0x10", "", "ten", "1 2", "+5", "9" * 40, "1_0", str(10**13), f"{len(body)},{len(body)}"]
    return request(body, Content_Length=chance.choice(wrong))


@kind
def two_lengths(chance: Chance) -> bytes:
    body = good(chance)
    seconds: list[dict[str, Any]] = [{"content_Length": len(body) + 1}, {"Transfer_Encoding": "chunked"}]
    return request(body, **chance.choice(seconds))


@kind
def too_short(chance: Chance) -> bytes:
    body = good(chance)
    return request(body, Content_Length=chance.randrange(1, len(body)))


@kind
def wrong_chunks(chance: Chance) -> bytes:
    sizes = [b"-5", b"zz", b"", b"5;" + b"x" * 9_000, b"f" * 40, b"5 5", b"0x5"]
    body = chance.choice(sizes) + b"\r\n" + good(chance) + b"\r\n0\r\n\r\n"
    return request(body, Content_Length=None, Transfer_Encoding="chunked")


@kind
def wrong_transfer(chance: Chance) -> bytes:
    coding = chance.choice(["gzip", "chunked, chunked", "nonsense", "gzip, gzip"])
    return request(b"0\r\n\r\n", Content_Length=None, Transfer_Encoding=coding)


# ------------------------------------------------------------------ what does not come
@kind
def slow(chance: Chance) -> bytes:
    """The rest never comes."""
    body = good(chance)
    return request(cut(chance, body), Content_Length=len(body), media=chance.choice([JSON, NDJSON]))


@kind
def slow_chunks(chance: Chance) -> bytes:
    body = good(chance)
    return request(b"%x\r\n%b\r\n" % (len(body), body), Content_Length=None, Transfer_Encoding="chunked")


@kind
def cut_off(chance: Chance) -> bytes:
    body = good(chance)
    return request(cut(chance, body), Content_Length=len(body))


@kind
def cut_off_in_the_head(chance: Chance) -> bytes:
    return cut(chance, request(b""))


@kind
def cut_off_in_a_chunk(chance: Chance) -> bytes:
    body = good(chance)
    whole = b"%x\r\n%b\r\n0\r\n" % (len(body), body)
    return request(cut(chance, whole), Content_Length=None, Transfer_Encoding="chunked")


# ------------------------------------------------------------------ parameters, paths and headers
@kind
def wrong_parameters(chance: Chance) -> bytes:
    absurd = chance.choice(["%00", "Ω" * 50, "x" * 3_000, "%ff%fe", "../..", "%0d%0aX:1", "-1", "[]", "null"])
    name = chance.choice(["mode", "accept", "source", "set", "to", "limit", "%00", "TO", "to[]", "Ω", ""])
    return request(good(chance), f"{ACCOUNTS}&{name}={absurd}")


@kind
def missing_parameters(chance: Chance) -> bytes:
    query = chance.choice(["", "?", "?to=", "?to=nobody", "?mode=upsert", "?to=drata&mode=patch&mode=remove", "?&&==&"])
    return request(good(chance), ACCOUNTS.partition("?")[0] + query)


@kind
def wrong_path(chance: Chance) -> bytes:
    kinds = ["", "no_such_kind", "custom:", "custom:%00", "personnel_account/", "..%2f..", "x" * 3_000, "Ω", "%", "%zz"]
    return request(good(chance), f"/v1/evidence/{chance.choice(kinds)}?to=drata")


@kind
def wrong_question(chance: Chance) -> bytes:
    ids = ["0", "-1", "9" * 30, "abc", "%00", "١٢", "1e3", "x" * 3_000]
    other = ["deliveries?cursor=0", "deliveries?limit=501", "deliveries?cursor=" + "9" * 30, "deliveries?state=x"]
    things = [f"{thing}/{each}" for thing in ("deliveries", "dead-letters", "snapshots") for each in ids]
    return request(b"", f"/v1/{chance.choice([*things, *other])}", method="GET")


@kind
def wrong_snapshot(chance: Chance) -> bytes:
    bodies = [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"kind":7}',
        b'{"kind":"device","to":[]}',
        b'{"kind":"device","to":"drata"}',
    ]
    deep = b'{"kind":' + b"[" * 20 + b"]" * 20 + b"}"
    return request(chance.choice([*bodies, deep, b"\xff", b'{"a":1e999}']), "/v1/snapshots")


@kind
def wrong_method(chance: Chance) -> bytes:
    methods = ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "FOO", "post", "P" * 200, "GE T", "Ω"]
    return request(good(chance), method=chance.choice(methods))


@kind
def no_http(chance: Chance) -> bytes:
    lines = [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/9.9", b"GET /", b"{}"]
    return (
        chance.choice([*lines, b"\x00" * 50, b"GET / HTTP/1.1 x", b" GET / HTTP/1.1", b"GET  HTTP/1.1"]) + b"\r\n\r\n"
    )


@kind
def wrong_headers(chance: Chance) -> bytes:
    wrong: Sequence[dict[str, Any]] = [
        {"X": "a" * chance.randrange(9_000, 60_000)},
        {f"X_{n}": n for n in range(chance.randrange(70, 900))},
        {"X": "a\x00b"},
        {"X": "a\r\n folded"},
        {"no colon\r\nX": 1},
        {"X\x00": 1},
        {"": 1},
        {"Sp ace": 1},
        {"Expect": "miracles"},
        {"Host": "elsewhere.example"},
    ]
    return request(good(chance), **chance.choice(wrong))


@kind
def wrong_key(chance: Chance) -> bytes:
    made_up = f"Bearer pp_{chance.getrandbits(40):010x}_{'b' * 43}"
    return request(good(chance), Authorization=chance.choice([made_up, "Bearer x", "Basic eDp5", "Bearer", "Ω", ""]))


@kind
def wrong_idempotency_key(chance: Chance) -> bytes:
    key = chance.choice(["", " ", "\t", "x" * 256, "a\x7f", "Ω\u2028Ω", "x" * 5_000])
    return request(good(chance), Idempotency_Key=key)
