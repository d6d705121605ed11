"""A time stamp authority (RFC 3161) on this machine, over a real socket."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

INTEGER, OCTETS, OID, SEQUENCE, SET, TIME = 0x02, 0x04, 0x06, 0x30, 0x31, 0x18
VERSION_3 = bytes.fromhex("a003020102")
"""Of a certificate: versions count from 0."""

DAY = timedelta(days=1)


# ------------------------------------------------------------------ DER
def der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8 or 1, "big")
    return bytes([tag]) + (size if len(body) < 128 else bytes([0x80 | len(size)]) + size) + body


def number(value: int) -> bytes:
    return der(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    first, second, *others = map(int, dotted.split("."))
    body = bytearray([first * 40 + second])
    for each in others:
        groups = [each >> shift & 0x7F for shift in range(28, -1, -7)]
        while len(groups) > 1 and not groups[0]:
            groups.pop(0)
        body += bytes([*(0x80 | group for group in groups[:-1]), groups[-1]])
    return der(OID, bytes(body))


def parts(content: bytes) -> list[tuple[int, bytes]]:
    """The tags and bodies of what stands one after the other."""
    found = []
    while content:
        size, start = content[1], 2
        if size & 0x80:
            start += size & 0x7F
            size = int.from_bytes(content[2:start], "big")
        found.append((content[0], content[start : start + size]))
        content = content[start + size :]
    return found


SHA_256 = der(SEQUENCE, oid("2.16.840.1.101.3.4.2.1"))
ECDSA_SHA_256 = der(SEQUENCE, oid("1.2.840.10045.4.3.2"))
TST_INFO, SIGNED_DATA = oid("1.2.840.113549.1.9.16.1.4"), oid("1.2.840.113549.1.7.2")
CONTENT_TYPE, MESSAGE_DIGEST = oid("1.2.840.113549.1.9.3"), oid("1.2.840.113549.1.9.4")
SIGNING_CERTIFICATE_V2 = oid("1.2.840.113549.1.9.16.2.47")


# ------------------------------------------------------------------ the authority
def certificate(
    name: str, key: EllipticCurvePrivateKey, issuer: x509.Name, signer: EllipticCurvePrivateKey, *, is_root: bool
) -> x509.Certificate:
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - DAY).not_valid_after(now + DAY)
    builder = builder.add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
    if not is_root:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(signer, SHA256())


class Authority:
    """Signs what it is asked, unless `answers` says otherwise: a status and a body."""

    def __init__(self) -> None:
        root_key, self._key = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Root of a test")])
        self._root = certificate("Root of a test", root_key, issuer, root_key, is_root=True)
        self._own = certificate("Authority of a test", self._key, issuer, root_key, is_root=False)
        self.roots = self._root.public_bytes(Encoding.PEM)
        self.answers: Callable[[bytes], tuple[int, bytes]] | None = None
        self.queries: list[bytes] = []
        self.url = ""

    def respond(self, query: bytes) -> tuple[int, bytes]:
        self.queries.append(query)
        return (200, self.stamped(query)) if self.answers is None else self.answers(query)

    def stamped(self, query: bytes, *, also_of_version: int | None = None) -> bytes:
        """A TimeStampResp: https://www.rfc-editor.org/rfc/rfc3161#section-2.4.2

        `also_of_version`: it holds one more certificate, of this version. The latest version that there is is 3.
        """
        [(_, body)] = parts(query)
        (_, _), (_, imprint), (_, nonce), *_ = parts(body)
        now = datetime.now(UTC).strftime("%Y%m%d%H%M%SZ").encode()
        info = der(
            SEQUENCE,
            number(1),
            oid("1.2.3.4"),
            der(SEQUENCE, imprint),
            number(len(self.queries)),
            der(TIME, now),
            der(INTEGER, nonce),
        )
        content = der(SEQUENCE, TST_INFO, der(0xA0, der(OCTETS, info)))
        own = self._own.public_bytes(Encoding.DER)
        more = b"" if also_of_version is None else own.replace(VERSION_3, der(0xA0, number(also_of_version - 1)))
        signed = number(3), der(SET, SHA_256), content, der(0xA0, own, more), der(SET, self._signer(info, own))
        token = der(SEQUENCE, SIGNED_DATA, der(0xA0, der(SEQUENCE, *signed)))
        return der(SEQUENCE, der(SEQUENCE, number(0)), token)

    def _signer(self, info: bytes, own: bytes) -> bytes:
        """A SignerInfo over the attributes that RFC 3161 and RFC 5816 ask for."""
        certificate_id = der(SEQUENCE, der(SEQUENCE, der(SEQUENCE, der(OCTETS, sha256(own).digest()))))
        attributes = b"".join(
            sorted(
                der(SEQUENCE, name, der(SET, value))
                for name, value in (
                    (CONTENT_TYPE, TST_INFO),
                    (MESSAGE_DIGEST, der(OCTETS, sha256(info).digest())),
                    (SIGNING_CERTIFICATE_V2, certificate_id),
                )
            )
        )
        signature = self._key.sign(der(SET, attributes), ECDSA(SHA256()))
        issuer = self._own.issuer.public_bytes(), number(self._own.serial_number)
        return der(
            SEQUENCE,
            number(1),
            der(SEQUENCE, *issuer),
            SHA_256,
            der(0xA0, attributes),
            ECDSA_SHA_256,
            der(OCTETS, signature),
        )


@contextmanager
def stamping() -> Iterator[Authority]:
    """An authority that listens while the block runs."""
    authority = Authority()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, body = authority.respond(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.headers["Content-Type"] == "application/timestamp-query"
            self.send_response(status)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        authority.url = f"http://127.0.0.1:{server.server_port}/stamp"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield authority
        finally:
            server.shutdown()
            thread.join()
