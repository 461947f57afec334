"""Who asks: the Hub's caller becomes a reader with the rights that the directory gives."""

from dataclasses import dataclass
from datetime import datetime

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.wire import Scope
from beamtorch_facility.clock import Clock
from beamtorch_facility.directory import Directory, UnknownPersonError
from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.words import Words
from beamtorch_service.caller import Caller, NotYourServiceError

INGEST_SERVICE = "ingest"
"""The service of the Hub that writes on behalf of the beamlines."""


class KeyTooNarrowError(CatalogueError):
    """A good key that is not for this."""

    code = "key-too-narrow"
    status = 403
    title = Words(en="Not with this key", zh="此密钥权限不足")

    def __init__(self, scope: Scope) -> None:
        super().__init__(
            Words(
                en=f"This needs a key with the scope “{scope}”. Make one with “beamtorch catalogue keys make”, "
                "or use a token of the hub.",
                zh=f"需要带有“{scope}”权限的密钥。请用 beamtorch catalogue keys make 创建，或使用登录中心的令牌。",
            ),
            scope=scope.value,
        )


@dataclass(frozen=True)
class Reader:
    """Somebody who asks the catalogue; a service has no identity."""

    name: str
    identity: Identity | None
    sees_all: bool
    may_ingest: bool
    asked_at: datetime
    """When they ask: data whose embargo has ended by then are open to them."""
    scopes: frozenset[Scope] | None = None
    """What the key that they ask with may be used for; None: a token of the Hub, which has no such bounds."""

    @property
    def person(self) -> Identity:
        """The person; a service is refused."""
        if self.identity is None:
            raise NotYourServiceError(
                Words(
                    en="This is for people, not for services. Use a person's token.",
                    zh="此操作只供个人使用，请使用个人令牌。",
                )
            )
        return self.identity

    @property
    def username(self) -> Username | None:
        """The person's name, or None for a service."""
        return self.identity.username if self.identity else None

    def need(self, scope: Scope) -> None:
        """Raise `KeyTooNarrowError` if they ask with a key that is not for this."""
        if self.scopes is not None and scope not in self.scopes:
            raise KeyTooNarrowError(scope)


class Readers:
    """Looks callers up."""

    def __init__(self, *, directory: Directory, clock: Clock) -> None:
        self._directory, self._clock = directory, clock

    def reader(self, caller: Caller) -> Reader:
        """Return what a caller may do here.

        Raises
        ------
        NotYourServiceError
            For a service that has no business here, and for somebody whom the directory does not know.
        """
        if caller.kind != "user":
            if caller.name != INGEST_SERVICE:
                raise NotYourServiceError(
                    Words(
                        en=f"The service “{caller.name}” has no rights in the catalogue. Use a person's token, "
                        "or that of the ingest service.",
                        zh=f"服务“{caller.name}”在数据目录中没有权限。请使用个人令牌或采集服务的令牌。",
                    )
                )
            return Reader(name=caller.name, identity=None, sees_all=True, may_ingest=True, asked_at=self._clock.now())
        try:
            identity = self._directory.person(caller.username)
        except UnknownPersonError as error:
            raise NotYourServiceError(error.detail) from error
        return Reader(
            name=identity.username,
            identity=identity,
            sees_all=identity.is_admin,
            may_ingest=identity.is_admin,
            asked_at=self._clock.now(),
        )
