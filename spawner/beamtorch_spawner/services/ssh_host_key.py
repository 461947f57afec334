"""The host key of a person's labs: one for each person, the same after every restart, kept nowhere.

It is derived from a secret of the service (HKDF, RFC 5869), so that an empty database changes no host key.
"""

import base64
import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from pydantic import SecretStr

from beamtorch_facility.identity import Username

_SALT = b"beamtorch ssh host key 1"
_SEED_BYTES = 32


@dataclass(frozen=True)
class HostKey:
    """An ed25519 key pair."""

    _key: Ed25519PrivateKey

    @property
    def private(self) -> SecretStr:
        """The private key as a file of OpenSSH."""
        text = self._key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        return SecretStr(text.decode())

    @property
    def public(self) -> str:
        """The public key as a line of OpenSSH, without a comment."""
        return self._key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()

    @property
    def fingerprint(self) -> str:
        """What ssh shows of the public key."""
        digest = hashlib.sha256(base64.b64decode(self.public.partition(" ")[2])).digest()
        return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


class HostKeys:
    """Derives host keys from one secret."""

    def __init__(self, secret: SecretStr) -> None:
        self._secret = secret

    def of(self, username: Username) -> HostKey:
        """Return a person's key."""
        derive = HKDF(algorithm=SHA256(), length=_SEED_BYTES, salt=_SALT, info=str(username).encode())
        seed = derive.derive(self._secret.get_secret_value().encode())
        return HostKey(Ed25519PrivateKey.from_private_bytes(seed))
