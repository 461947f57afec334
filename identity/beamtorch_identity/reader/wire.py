"""What travels over the reader's socket: one question and one answer, each a packet, the answer with a descriptor."""

import json
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from beamtorch_facility.identity import Username
from beamtorch_facility.words import Words
from beamtorch_identity.credentials import Credentials
from beamtorch_identity.reader.errors import BY_CODE, ReaderAwayError, ReaderError

LARGEST_PACKET = 128 * 1024
"""Bytes of a question; well below what a socket of this kind takes at once (net.core.wmem_default)."""
LARGEST_ORDER = 2 * LARGEST_PACKET
"""Bytes of a question with all the numbers of a person."""


class _Packet(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def packet(self) -> bytes:
        """Return it as bytes."""
        return self.model_dump_json().encode()


class OpenQuestion(_Packet):
    """Open one file in somebody's name."""

    do: Literal["open"] = "open"
    person: Username
    path: str = Field(description="below the root of the data")


class WorkQuestion(_Packet):
    """Do one of the known tasks in somebody's name."""

    do: Literal["work"] = "work"
    person: Username
    task: str
    arguments: dict[str, Any]


Question = Annotated[OpenQuestion | WorkQuestion, Field(discriminator="do")]
_QUESTION: TypeAdapter[OpenQuestion | WorkQuestion] = TypeAdapter(Question)


def question_of(packet: bytes) -> OpenQuestion | WorkQuestion:
    """Return the question of a packet; raise `ValueError` for what is none."""
    return _QUESTION.validate_json(packet)


class Answer(_Packet):
    """What became of a question; the descriptor travels beside it."""

    refused: str | None = Field(default=None, description="code of an error; none: a descriptor comes with it")
    said: Words | None = Field(default=None, description="the error's own sentence, where it has one")

    @classmethod
    def no(cls, error: ReaderError) -> Self:
        """Return the answer that carries an error."""
        return cls(refused=error.code, said=None if error.detail == error.says else error.detail)

    def error(self) -> ReaderError:
        """Return the error that the answer carries; one with neither error nor file is as good as none."""
        return BY_CODE.get(self.refused or "", ReaderAwayError)(self.said)


def order_packet(question: bytes, credentials: Credentials | None) -> bytes:
    """Return what the listener tells the forker: a question it has checked, and who the child has to become."""
    who = [credentials.uid, credentials.gid, list(credentials.groups)] if credentials else None
    return json.dumps(who).encode() + b"\n" + question


def order_of(packet: bytes) -> tuple[OpenQuestion | WorkQuestion, Credentials | None]:
    """Return an order of our own listener."""
    who, _, question = packet.partition(b"\n")
    numbers = json.loads(who)
    credentials = Credentials(numbers[0], numbers[1], tuple(numbers[2])) if numbers else None
    return question_of(question), credentials
