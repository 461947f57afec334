"""For receivers of webhooks: whether a delivery really is the catalogue's. Needs neither server nor network.

The signature is HMAC-SHA256 (RFC 2104) over the time in seconds, a dot and the body, as Stripe does it:
``Beamtorch-Signature: t=1732190400,v1=5257a869…``. The time is signed, so that an old delivery cannot be sent again.
"""

import hashlib
import hmac
import re
import time

from pydantic import ValidationError

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.wire.changes import Delivery
from beamtorch_facility.words import Words

SIGNATURE = "Beamtorch-Signature"
"""The header with time and signature."""
TOLERANCE_SECONDS = 300.0
"""How far the clocks of catalogue and receiver may be apart, with the time on the way."""
_SHAPE = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


class BadSignatureError(CatalogueError):
    """A delivery that the catalogue did not send, or that was changed or held back on its way."""

    code = "bad-signature"
    status = 401
    title = Words(en="Not signed by the catalogue", zh="签名无效")


def sign(body: bytes, secret: str, at: float) -> str:
    """Return the value of the header for a body, signed at a time in seconds since 1970."""
    moment = int(at)
    return f"t={moment},v1={_digest(body, secret, moment)}"


def verify(
    body: bytes, signature: str, secret: str, *, now: float | None = None, tolerance: float = TOLERANCE_SECONDS
) -> Delivery:
    """Return what was delivered, if the catalogue signed it just now.

    Parameters
    ----------
    body
        The body of the request, byte by byte as it came.
    signature
        The value of the header ``Beamtorch-Signature``.
    secret
        The secret that was shown when the webhook was made.
    now
        The time in seconds since 1970; none: this machine's.
    tolerance
        How old, or how far ahead, a delivery may be, in seconds.

    Raises
    ------
    BadSignatureError
        If the signature is missing, of somebody else, or too old.
    """
    shape = _SHAPE.fullmatch(signature)
    if shape is None:
        raise _refused("the header is missing or has another form", "签名头缺失或格式不符")
    moment = int(shape[1])
    if not hmac.compare_digest(_digest(body, secret, moment), shape[2]):
        raise _refused("it was signed with another secret, or changed on its way", "密钥不符或内容被更改")
    if abs((time.time() if now is None else now) - moment) > tolerance:
        raise _refused("it was signed too long ago, or the clocks differ", "签名已过期或时钟不一致")
    try:
        return Delivery.model_validate_json(body)
    except ValidationError as error:
        raise _refused("the body is not a delivery of this version", "内容不是此版本的投递格式") from error


def _digest(body: bytes, secret: str, moment: int) -> str:
    return hmac.new(secret.encode(), b"%d." % moment + body, hashlib.sha256).hexdigest()


def _refused(en: str, zh: str) -> BadSignatureError:
    return BadSignatureError(Words(en=f"This delivery is refused: {en}.", zh=f"拒绝此投递：{zh}。"))
