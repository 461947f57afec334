"""What other commands ask of a running supervisor: a file in ``run/requests``, which it takes away.

Files need no socket, can be looked at, and only the owner of the platform's folder can write one.
"""

import contextlib
from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from beamtorch_hub.files import write_private
from beamtorch_hub.home import PlatformHome


class Request(BaseModel):
    """One wish."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Literal["restart", "stop"]
    child: str = ""
    keep_labs: bool = False


def send(home: PlatformHome, request: Request) -> None:
    """Put a wish where the supervisor finds it."""
    write_private(home.requests / f"{request.action}-{request.child or 'all'}.json", request.model_dump_json())


def receive(home: PlatformHome) -> Iterator[Request]:
    """Take the wishes that lie there; what is not one is thrown away."""
    for path in sorted(home.requests.glob("*.json")):
        with contextlib.suppress(OSError, ValidationError):
            text = path.read_text(encoding="utf-8")
            path.unlink()
            yield Request.model_validate_json(text)


def clear(home: PlatformHome) -> None:
    """Forget wishes to a supervisor that is gone."""
    for path in home.requests.glob("*.json"):
        path.unlink(missing_ok=True)
