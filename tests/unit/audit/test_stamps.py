"""The check of what a time stamp authority answers: whatever it is, no error but proofport's own leaves it."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificates
from tests.support.authority import VERSION_3, Authority, der, number

from proofport.audit.stamps import Query, roots_in
from proofport.errors import ConfigError, ProofportError


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def query(authority: Authority) -> Query:
    return Query(b"content", load_pem_x509_certificates(authority.roots))


def test_a_certificate_that_cannot_be_read_is_no_time_stamp(authority: Authority, query: Query) -> None:
    assert query.time_in(authority.stamped(query.body))
    answer = authority.stamped(query.body, also_of_version=5)
    with pytest.raises(ProofportError, match=r"does not verify: .* cannot be read \(InvalidVersion\)"):
        query.time_in(answer)


@pytest.mark.parametrize(
    ("status", "words"),
    [(1, "something else than it was asked for"), (2, "has refused"), (9, "is no time stamp")],
)
def test_a_status_is_told_by_its_meaning(query: Query, status: int, words: str) -> None:
    with pytest.raises(ProofportError, match=words):
        query.time_in(der(0x30, der(0x30, number(status))))


def test_another_authority_is_told_without_the_words_of_a_library(query: Query) -> None:
    with pytest.raises(ProofportError, match="do not lead") as raised:
        query.time_in(Authority().stamped(query.body))
    assert "Error {" not in raised.value.message


def test_a_root_that_cannot_be_read_is_a_mistake_of_the_configuration(authority: Authority, tmp_path: Path) -> None:
    [root] = load_pem_x509_certificates(authority.roots)
    content = root.public_bytes(Encoding.DER).replace(VERSION_3, der(0xA0, number(4)))
    (tmp_path / "root.pem").write_text(ssl.DER_cert_to_PEM_cert(content))
    with pytest.raises(ConfigError, match="holds no certificate in PEM"):
        roots_in(tmp_path / "root.pem")
