"""What changed, who is told of it, and keys for programs."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, StringConstraints

from beamtorch_catalogue.wire.base import Wire
from beamtorch_facility.words import Words

LARGEST = 2**53
"""Of numbers that every reader of JSON keeps exactly."""
Count = Annotated[int, Field(ge=0, le=LARGEST)]
"""The number of a change; 0 is before the first."""
ActionName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]{0,39}$")]
Plain = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$")]


class ChangeEvent(Wire):
    """One committed change, as followers hear it: what changed, not its values."""

    id: int = Field(description="grows with every change; whoever has seen it drops it")
    at: AwareDatetime
    by: str
    subject: str = Field(description="what kind of thing changed, e.g. dataset")
    subject_id: str
    action: str = Field(description="e.g. created, updated, released")
    version: int


class ChangeRecord(ChangeEvent):
    """One committed change with the values before and after it."""

    by_name: Words | None = Field(description="of a person whom the user office knows")
    beamtime: str | None
    before: dict[str, Any] | None = Field(description="the values that were replaced")
    after: dict[str, Any] | None


class ChangePage(Wire):
    """Some changes."""

    changes: tuple[ChangeRecord, ...]
    next: int | None = Field(description="pass it as `after` for the next page, even if this one is short; none: done")


class Delivery(Wire):
    """What a webhook's receiver gets in one request."""

    webhook: int
    events: tuple[ChangeEvent, ...]
    is_test: bool = False


class WebhookRequest(Wire):
    """Where changes shall be told."""

    url: Plain = Field(min_length=1, max_length=2000)
    actions: tuple[ActionName, ...] = Field(default=(), max_length=40, description="which ones; empty for all")
    after: Count | None = Field(default=None, description="begin after this change; none: with the next one")


class WebhookEdit(Wire):
    """What shall be different at a webhook; what is left out stays."""

    url: Plain | None = Field(default=None, min_length=1, max_length=2000)
    actions: tuple[ActionName, ...] | None = Field(default=None, max_length=40)
    is_active: bool | None = Field(default=None, description="true: try again at once, even one that was given up")
    after: Count | None = Field(default=None, description="go back, or on, to this change")


class WebhookRecord(Wire):
    """Somebody who is told of changes, and how that goes."""

    number: int
    owner: str
    url: str
    actions: tuple[str, ...]
    created_at: AwareDatetime
    delivered: int = Field(description="the last change that the receiver confirmed, or that was none of its business")
    is_active: bool
    failures: int = Field(description="in a row")
    failing_since: AwareDatetime | None
    next_try_at: AwareDatetime | None
    problem: Words | None = Field(description="why the last try failed, or why it was given up")


class NewWebhook(WebhookRecord):
    """A webhook with the secret that its receiver checks signatures with; it is shown this once."""

    secret: str


class TrialOutcome(Wire):
    """How a test event was received."""

    is_delivered: bool
    problem: Words | None


class Scope(StrEnum):
    """What a key may be used for; never more than its owner may do."""

    READ = "read"
    REGISTER = "register"
    """To add results to beamtimes."""
    INGEST = "ingest"
    """To bring what beamlines measured and what the user office knows."""
    EDIT = "edit"
    ADMIN = "admin"
    """To look after a beamline or the facility: the audit, and how webhooks go."""


class KeyRequest(Wire):
    """A key that somebody wants for a program of theirs."""

    scopes: tuple[Scope, ...] = Field(min_length=1, max_length=len(Scope))
    expires_at: AwareDatetime
    note: Plain = Field(default="", max_length=200, description="what it is for")


class KeyRecord(Wire):
    """A key without its text."""

    number: int
    owner: str
    note: str
    scopes: tuple[Scope, ...]
    created_at: AwareDatetime
    expires_at: AwareDatetime
    used_at: AwareDatetime | None = Field(description="to the minute")
    revoked_at: AwareDatetime | None


class NewKey(KeyRecord):
    """A key with its text, which is shown this once."""

    key: str
