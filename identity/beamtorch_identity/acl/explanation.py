"""Why somebody may or may not read a file: each folder on the way, the entry that decides, and what would change it."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from beamtorch_facility.identity import Identity
from beamtorch_facility.words import Words
from beamtorch_identity.acl import telling
from beamtorch_identity.acl.attributes import translated
from beamtorch_identity.acl.control import AccessControl, Decision
from beamtorch_identity.acl.model import WX, Permissions, R, W, X
from beamtorch_identity.acl.posix import PosixAccessControl
from beamtorch_identity.acl.telling import Operation
from beamtorch_identity.acl.walking import Outcome, Step, Way, walked
from beamtorch_identity.credentials import Credentials

FILE = {Operation.READ: R, Operation.WRITE: W}
FOLDER = {Operation.LIST: R, Operation.ENTER: X, Operation.CHANGE: WX}


@dataclass(frozen=True)
class Verdict:
    """The answer to one operation."""

    operation: Operation
    outcome: Outcome
    decision: Decision | None
    said: Words

    @property
    def allowed(self) -> bool:
        """Whether the kernel lets it happen."""
        return self.outcome is Outcome.ALLOWED


@dataclass(frozen=True)
class Explanation:
    """The whole answer for one person and one path."""

    username: str
    path: Path
    at: Path
    """Where it is decided: a folder on the way, or what the path leads to."""
    is_folder: bool
    steps: tuple[Step, ...]
    verdicts: tuple[Verdict, ...]
    hints: tuple[Words, ...] = ()

    @property
    def readable(self) -> bool:
        """Whether a file can be read, a folder listed and entered."""
        asked = {Operation.READ, Operation.LIST, Operation.ENTER}
        return all(verdict.allowed for verdict in self.verdicts if verdict.operation in asked)

    def told(self, operation: Operation) -> Verdict | None:
        """Return the answer to one operation, None if what the path leads to knows no such thing."""
        return next((verdict for verdict in self.verdicts if verdict.operation is operation), None)

    def document(self) -> dict[str, Any]:
        """Return everything as JSON knows it, English beside Chinese."""
        return {
            "user": self.username,
            "path": telling.shown(self.path),
            "readable": self.readable,
            "at": telling.shown(self.at),
            "steps": [
                {"path": telling.shown(step.path), "link_to": step.link_to, "decision": _document(step.decision)}
                for step in self.steps
            ],
            "verdicts": [
                {
                    "operation": one.operation,
                    "allowed": one.allowed,
                    "outcome": one.outcome,
                    "said": one.said.model_dump(),
                    "decision": _document(one.decision),
                }
                for one in self.verdicts
            ],
            "hints": [hint.model_dump() for hint in self.hints],
        }


Adviser = Callable[[Identity, Path], tuple[Words, ...]]
"""Says what else would change a refusal, for a person and the place where it is decided."""


def explain(
    person: Identity, path: Path, *, control: AccessControl | None = None, advise: Adviser | None = None
) -> Explanation:
    """Tell why somebody can or cannot read and write what a path leads to; the kernel decides exactly so.

    The groups are the directory's of now: a server that was started earlier may have others, which a hint says. Not
    looked at are immutable files, security modules and a network's file system with rules of its own.

    Raises
    ------
    NotPermittedError
        If this process cannot look itself; as root it can.
    """
    chosen = control or PosixAccessControl()
    whole = path if path.is_absolute() else Path.cwd() / path
    with walked(whole, Credentials.of(person), chosen) as way:
        is_folder = way.outcome is Outcome.ALLOWED and stat.S_ISDIR(os.fstat(way.descriptor).st_mode)
        asked = FOLDER if is_folder else FILE
        verdicts = tuple(_verdict(person, way, chosen, one, needed) for one, needed in asked.items())
    found = Explanation(person.username, whole, way.at, is_folder, tuple(way.steps), verdicts)
    advice = advise(person, way.at) if advise is not None and not found.readable else ()
    return replace(found, hints=(*_hints(person, way, verdicts), *advice))


def _verdict(person: Identity, way: Way, control: AccessControl, operation: Operation, needed: Permissions) -> Verdict:
    if way.outcome is not Outcome.ALLOWED:
        said = telling.on_the_way(person.username, way.at, way.outcome, way.blocking)
        return Verdict(operation, way.outcome, way.blocking, said)
    with translated(way.at):
        decision = control.decide(way.descriptor, Credentials.of(person), needed)
        read_only = bool(needed & W and os.fstatvfs(way.descriptor).f_flag & os.ST_RDONLY)
    outcome = Outcome.READ_ONLY if read_only else Outcome.ALLOWED if decision.allowed else Outcome.DENIED
    return Verdict(
        operation, outcome, decision, telling.at_the_end(person.username, way.at, operation, outcome, decision)
    )


def _hints(person: Identity, way: Way, verdicts: tuple[Verdict, ...]) -> tuple[Words, ...]:
    decisions = [step.decision for step in way.steps] + [verdict.decision for verdict in verdicts]
    known = [decision for decision in decisions if decision is not None]
    return telling.hints(person, way.at, known)


def _document(decision: Decision | None) -> dict[str, Any] | None:
    if decision is None:
        return None
    return {
        "allowed": decision.allowed,
        "asked": decision.asked.text,
        "granted": decision.granted.text,
        "basis": decision.basis,
        "entries": list(decision.entries),
        "limit": decision.limit,
    }
