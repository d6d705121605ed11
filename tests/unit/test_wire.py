"""Calls and replies as values, and which base URLs may carry a key."""

from __future__ import annotations

import pytest

from proofport.errors import Retryable
from proofport.wire import Call, Reply, checked_origin, is_loopback


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a": [1, null]}', {"a": [1, None]}),
        (b"null", None),
        (b"", None),
        (b"<html>502 Bad Gateway</html>", None),
        (b"\xff\xfe\x00", None),
        (b'{"a": 1', None),
        (b"[" * 100_000, None),
    ],
)
def test_what_is_not_json_decodes_to_nothing_rather_than_failing(body: bytes, expected: object) -> None:
    assert Reply(200, body=body).json() == expected


@pytest.mark.parametrize(
    ("body", "found"),
    [(b"<html>", "a page"), (b"", "no JSON"), (b"[]", "list"), (b"{}", "dict"), (b'{"statusCode":500}', "dict")],
)
def test_an_answer_of_another_form_is_an_error_that_says_what_was_expected(body: bytes, found: str) -> None:
    with pytest.raises(Retryable, match=f"answer to list_rows .* found {found}, expected an object with data"):
        Reply(200, body=body).expect(dict, "data", of="list_rows")
    with pytest.raises(Retryable, match="expected a list"):
        Reply(200, body=b"{}").expect(list, of="list_rows")
    assert Reply(200, body=b'{"data":[]}').expect(dict, "data", of="list_rows") == {"data": []}


@pytest.mark.parametrize(
    ("status", "ok"), [(199, False), (200, True), (202, True), (299, True), (300, False), (500, False)]
)
def test_only_the_200s_are_ok(status: int, ok: bool) -> None:
    assert Reply(status).ok is ok


def test_bodies_stay_out_of_the_text_of_calls_and_replies() -> None:
    assert "private" not in repr(Call("publish", "POST", "/x", body=b"private"))
    assert "private" not in repr(Reply(200, body=b"private"))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://api.example.com", "https://api.example.com"),
        ("https://api.example.com/", "https://api.example.com"),
        ("https://API.Example.com:8443", "https://api.example.com:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:1", "http://localhost:1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_origin_is_scheme_host_and_port(given: str, expected: str) -> None:
    assert checked_origin(given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("api.example.com", "URL such as"),
        ("ftp://api.example.com", "URL such as"),
        ("https://", "URL such as"),
        ("https://api.example.com:99999", "URL such as"),
        ("https://api.exa mple.com", "URL such as"),
        ("https://api.example.com\n", "URL such as"),
        ("https://[::1", "URL such as"),
        ("https://api.example.com/v2", "without a path"),
        ("https://api.example.com?x=1", "without a path"),
        ("https://api.example.com#x", "without a path"),
        ("https://me:key@api.example.com", "user name"),
        ("https://:key@api.example.com", "user name"),
        ("http://api.example.com", "https://"),
        ("http://127.0.0.1.example.com", "https://"),
        ("http://localhost.example.com", "https://"),
    ],
)
def test_an_address_that_would_leak_or_mislead_is_refused(given: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected) as caught:
        checked_origin(given)
    assert "key" not in str(caught.value).replace("credentials", ""), "the error must not repeat what was given"


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://127.8.8.8", True),
        ("http://[::1]:8080", True),
        ("http://localhost", True),
        ("https://10.0.0.1", False),
        ("https://api.example.com", False),
        ("https://127.0.0.1.example.com", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine_and_nothing_that_looks_like_it(origin: str, expected: bool) -> None:
    assert is_loopback(origin) is expected
