"""RFC 3161 time stamps: an authority signs when there was a checkpoint of the log. See docs/audit.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from proofport.errors import ConfigError, ProofportError, UsageError

try:
    from cryptography.x509 import Certificate, load_pem_x509_certificates
    from rfc3161_client import (
        HashAlgorithm,
        PKIStatus,
        TimestampRequestBuilder,
        VerifierBuilder,
        decode_timestamp_response,
    )
except ImportError:  # pragma: no cover
    raise UsageError(
        "time stamps need the package rfc3161-client", hint="pip install 'proofport[timestamps]'"
    ) from None


class Query:
    """A query to an authority about one text, and the check of its answer."""

    def __init__(self, content: bytes, roots: Sequence[Certificate]) -> None:
        """`roots`: the certificates that the authority's own must lead to."""
        self._content = content
        self._request = TimestampRequestBuilder().data(content).hash_algorithm(HashAlgorithm.SHA256).build()
        self._verifier = VerifierBuilder(nonce=self._request.nonce, roots=list(roots)).build()

    @property
    def body(self) -> bytes:
        return self._request.as_bytes()

    def time_in(self, answer: bytes) -> float:
        """The time that the authority has signed, in seconds since 1970.

        Raises ProofportError for an answer that refuses, is about something else, or is not signed by the authority.
        """
        try:
            found = decode_timestamp_response(answer)
            status = PKIStatus(found.status)
        except Exception:  # the answer is a stranger's, and the errors for it have no class in common
            raise ProofportError("the authority's answer is no time stamp") from None
        if status is PKIStatus.GRANTED_WITH_MODS:
            raise ProofportError("the authority has granted something else than it was asked for (status 1)")
        if status is not PKIStatus.GRANTED:
            raise ProofportError(f"the authority has refused (status {status.value})")
        try:
            self._verifier.verify_message(found, self._content)
            return found.tst_info.gen_time.timestamp()
        except Exception as error:
            raise ProofportError(
                "the authority's time stamp does not verify: it answers another query, its certificates do not lead to "
                f"those in `roots`, or one of them cannot be read ({type(error).__name__})"
            ) from error


def roots_in(path: Path) -> list[Certificate]:
    """The certificates of a file in PEM, each once. Raises ConfigError."""
    try:
        return list(dict.fromkeys(load_pem_x509_certificates(path.read_bytes())))
    except OSError as error:
        raise ConfigError(f"the certificates of the authority cannot be read from {path}: {error.strerror}") from None
    except Exception:  # a certificate that cannot be read raises errors that have no class in common
        raise ConfigError(
            f"{path} holds no certificate in PEM", hint="Get the root certificate of the authority from its site."
        ) from None
