"""Errors that a person can act on.

Each package has one base below `BeamtorchError`. Whoever raises one says what happened and what to do next, in both
languages; the doors (browser, REST, command line) only choose how to show it. Anything else that is raised is a bug
and keeps its traceback in the log.
"""

from typing import Any, ClassVar

from beamtorch_facility.words import Words


class BeamtorchError(Exception):
    """The base of everything that is expected to go wrong."""

    code: ClassVar[str] = "beamtorch-error"
    """Stable name on the wire; the last part of the problem type."""
    status: ClassVar[int] = 400
    """HTTP status at a REST door."""
    exit_code: ClassVar[int] = 1
    """Exit code at the command line."""
    title: ClassVar[Words] = Words(en="That did not work", zh="操作未完成")

    def __init__(self, detail: Words, **facts: Any) -> None:
        super().__init__(detail.en)
        self.detail = detail
        self.facts = facts
        """Further members of the problem document, such as the name of a field; never a secret."""

    def problem(self) -> dict[str, Any]:
        """Return the problem document of RFC 9457, with Chinese beside English."""
        return {
            "type": f"urn:beamtorch:problem:{self.code}",
            "title": self.title.en,
            "title_zh": self.title.zh,
            "status": self.status,
            "detail": self.detail.en,
            "detail_zh": self.detail.zh,
            **self.facts,
        }
