"""The keys that sign receipts: Ed25519, in a file that only its owner may read, or in the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from hmac import digest as hmac
from pathlib import Path

from proofport.errors import ConfigError, UsageError

try:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
except ImportError:  # pragma: no cover
    raise UsageError("receipts need the package cryptography", hint="pip install 'proofport[audit]'") from None

IDS = b"proofport: ids in receipts"


@dataclass(frozen=True)
class PublicKey:
    """The public half: 32 bytes."""

    raw: bytes

    @property
    def fingerprint(self) -> str:
        """The hexadecimal SHA-256 of the key. It names the key, and is what an auditor is given by another way."""
        return sha256(self.raw).hexdigest()

    def verifies(self, signature: bytes, content: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, content)
        except InvalidSignature:
            return False
        return True


class SigningKey:
    """The private half. It never shows itself: not in a repr, not in an error."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private

    @classmethod
    def new(cls) -> SigningKey:
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_text(cls, text: str, place: str) -> SigningKey:
        """Read PEM (PKCS #8). Raises ConfigError, which names the place and never repeats the text."""
        try:
            private = load_pem_private_key(text.encode(), None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            private = None
        if not isinstance(private, Ed25519PrivateKey):
            raise ConfigError(
                f"{place} holds no Ed25519 key in PEM", hint="Make one with `proofport receipt key create`."
            )
        return cls(private)

    @cached_property
    def public(self) -> PublicKey:
        return PublicKey(self._private.public_key().public_bytes_raw())

    def sign(self, content: bytes) -> bytes:
        return self._private.sign(content)

    def blinded(self, record_id: str) -> str:
        """The HMAC-SHA-256 of an id, hexadecimal. Its key is derived from this one, so that only the owner can look
        up whether an id is meant: ids are often e-mail addresses, and a plain hash of one is easily guessed."""
        return hmac(self._ids_key, record_id.encode(errors="surrogatepass"), "sha256").hex()

    @cached_property
    def _ids_key(self) -> bytes:
        return hmac(self._private.private_bytes_raw(), IDS, "sha256")

    def text(self) -> str:
        """PEM, to be kept secret."""
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def write(self, path: Path) -> None:
        """Write a new file that only its owner may read. Raises UsageError when there is one."""
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise UsageError(
                f"{path} exists already", hint="Use another name, or `proofport receipt key rotate` for a new key."
            ) from None
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from None
        with os.fdopen(handle, "w") as file:
            file.write(self.text())
            file.flush()
            os.fsync(handle)

    def __repr__(self) -> str:
        return f"SigningKey({self.public.fingerprint})"


def key_in_file(path: Path) -> SigningKey:
    """Raises ConfigError for a file that is not there, holds no key, or that others may read."""
    try:
        mode = path.stat().st_mode & 0o077
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise ConfigError(
            f"the key of the receipts cannot be read from {path}: {error.strerror}",
            hint="Make one with `proofport receipt key create`.",
        ) from None
    if mode:
        raise ConfigError(f"{path} may be read by others", hint=f"It holds a private key: chmod 600 {path}")
    return SigningKey.from_text(text, str(path))
