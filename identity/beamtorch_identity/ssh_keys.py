"""Public ssh keys: one line, a known type, no options; whatever else stands in a directory or a request is left out.

The line that sshd reads is written anew from the parts that were understood, so that nothing else gets there.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words

KINDS = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
_SMALLEST_RSA_BITS = 2048
_LARGEST_RSA_BITS = 16384
"""OpenSSH takes no larger one (sshbuf-misc.h, SSHBUF_MAX_BIGNUM)."""
_LONGEST_LINE = 8192
_ED25519_BYTES = 32
_POINT_BYTES = {"nistp256": 65, "nistp384": 97, "nistp521": 133}
_UNCOMPRESSED = 4
_SIGN = 0x80


class SshKeyRefusedError(BeamtorchError):
    """A text that cannot count as somebody's public key."""

    code = "ssh-key-refused"
    status = 422
    title = Words(en="This ssh key cannot be taken", zh="无法接受此 ssh 公钥")


@dataclass(frozen=True)
class PublicKey:
    """A public key that was understood."""

    kind: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """The key in short, as ``ssh-keygen -l`` prints it."""
        return f"SHA256:{base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip('=')}"

    @classmethod
    def parse(cls, line: str) -> Self:
        """Return the key of a line as ``ssh-keygen`` writes it to a .pub file (RFC 4253, 6.6; comment optional).

        Raises
        ------
        SshKeyRefusedError
            If it is anything else; the sentence never repeats the line, which may be a private key.
        """
        text = line.strip(" \t\r\n")
        if len(text) > _LONGEST_LINE or not text.isprintable():
            raise _refused(_NO_LINE)
        kind, _, rest = text.partition(" ")
        if kind not in KINDS:
            raise _refused(_NO_KIND)
        try:
            blob = base64.b64decode(rest.strip().partition(" ")[0], validate=True)
        except (binascii.Error, ValueError) as error:
            raise _refused(_BROKEN) from error
        first, *fields = _fields(blob) or [b""]
        if first != kind.encode():
            raise _refused(_BROKEN)
        _check(kind, fields)
        return cls(kind, blob)

    def __str__(self) -> str:
        return f"{self.kind} {base64.b64encode(self.blob).decode()}"


@dataclass(frozen=True)
class LeftOut:
    """A key that does not count, by its place among those that were given."""

    number: int
    reason: Words


def sort_keys(lines: Iterable[str]) -> tuple[tuple[PublicKey, ...], tuple[LeftOut, ...]]:
    """Return the keys that count, each once, and why the others do not."""
    keys: dict[PublicKey, None] = {}
    left_out = []
    for number, line in enumerate(lines, start=1):
        try:
            keys[PublicKey.parse(line)] = None
        except SshKeyRefusedError as refused:
            left_out.append(LeftOut(number, refused.detail))
    return tuple(keys), tuple(left_out)


_NO_LINE = Words(
    en="It is not one line of printable characters. Paste the line of your .pub file.",
    zh="不是单行可打印字符。请粘贴 .pub 文件中的那一行。",
)
_NO_KIND = Words(
    en="It does not begin with a known type (ed25519, ecdsa or rsa); options before the type are not taken. Paste the "
    "line of your .pub file.",
    zh="开头不是已知类型（ed25519、ecdsa 或 rsa）；类型前不允许任何选项。请粘贴 .pub 文件中的那一行。",
)
_BROKEN = Words(
    en="What follows its type is not a key of that type. Copy the whole line of your .pub file.",
    zh="类型之后的内容不是该类型的公钥。请完整复制 .pub 文件中的那一行。",
)
_SMALL = Words(
    en=f"It is an RSA key of less than {_SMALLEST_RSA_BITS} bits. Make a new key: ssh-keygen -t ed25519.",
    zh=f"RSA 密钥不足 {_SMALLEST_RSA_BITS} 位。请生成新密钥：ssh-keygen -t ed25519。",
)


def _refused(why: Words) -> SshKeyRefusedError:
    return SshKeyRefusedError(why)


def _fields(blob: bytes) -> list[bytes]:
    """Return the parts of a key, each of which begins with its length; nothing if they do not fill it exactly."""
    found = []
    while blob:
        length = int.from_bytes(blob[:4], "big")
        if len(blob) < 4 + length:
            return []
        found.append(blob[4 : 4 + length])
        blob = blob[4 + length :]
    return found


def _check(kind: str, fields: list[bytes]) -> None:
    match kind, fields:
        case "ssh-ed25519", [point]:
            fits = len(point) == _ED25519_BYTES
        case "sk-ssh-ed25519@openssh.com", [point, application]:
            fits = len(point) == _ED25519_BYTES and bool(application)
        case "sk-ecdsa-sha2-nistp256@openssh.com", [b"nistp256", point, application]:
            fits = _is_point("nistp256", point) and bool(application)
        case "ssh-rsa", [exponent, modulus]:
            fits = _is_rsa(exponent, modulus)
        case _, [curve, point] if kind == f"ecdsa-sha2-{curve.decode(errors='replace')}":
            fits = _is_point(curve.decode(errors="replace"), point)
        case _:
            fits = False
    if not fits:
        raise _refused(_BROKEN)


def _is_point(curve: str, point: bytes) -> bool:
    return len(point) == _POINT_BYTES.get(curve) and point[0] == _UNCOMPRESSED


def _is_rsa(exponent: bytes, modulus: bytes) -> bool:
    """Tell whether these are the numbers of an RSA key; raises if it is a small one."""
    if any(not number or number[0] & _SIGN for number in (exponent, modulus)):
        return False
    power, product = int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big")
    if 0 < product.bit_length() < _SMALLEST_RSA_BITS:
        raise _refused(_SMALL)
    return power > 1 and power % 2 == 1 and product % 2 == 1 and product.bit_length() <= _LARGEST_RSA_BITS
