"""Who asks: the Hub's caller becomes a reader with the rights that the directory gives."""

from dataclasses import dataclass

from beamtorch_facility.directory import Directory, UnknownPersonError
from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.words import Words
from beamtorch_service.caller import Caller, NotYourServiceError

INGEST_SERVICE = "ingest"
"""The service of the Hub that writes on behalf of the beamlines."""


@dataclass(frozen=True)
class Reader:
    """Somebody who asks the catalogue; a service has no identity."""

    name: str
    identity: Identity | None
    sees_all: bool
    may_ingest: bool

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


class Readers:
    """Looks callers up."""

    def __init__(self, *, directory: Directory) -> None:
        self._directory = directory

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
            return Reader(name=caller.name, identity=None, sees_all=True, may_ingest=True)
        try:
            identity = self._directory.person(caller.username)
        except UnknownPersonError as error:
            raise NotYourServiceError(error.detail) from error
        return Reader(
            name=identity.username, identity=identity, sees_all=identity.is_admin, may_ingest=identity.is_admin
        )
