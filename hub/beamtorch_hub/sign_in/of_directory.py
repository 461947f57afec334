"""What all ways of signing in have in common: groups and rights come from the directory, at each sign-in and after."""

import asyncio
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jupyterhub.auth import Authenticator
from tornado.web import HTTPError
from traitlets import Unicode, default

from beamtorch_facility.directory import Directory, DirectoryError, PersonRefusedError, UnknownPersonError
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.words import Words
from beamtorch_hub.errors import SignInRefusedError, SignInUnavailableError
from beamtorch_hub.sign_in.wrong_logins import WrongLogins
from beamtorch_identity.opening import open_directory

NOBODY = Words(
    en="Nobody can sign in now, because the list of people cannot be read. Tell the facility, or try again later.",
    zh="人员名单无法读取，暂时无法登录。请告知设施人员，或稍后重试。",
)


class DirectoryAuthenticator(Authenticator):
    """Knows people by the directory; how they prove who they are is a subclass's business."""

    directory_file = Unicode(config=True, help="YAML file: the people themselves, or how to ask the LDAP server")

    @default("allow_all")
    def _everybody_in_the_directory(self) -> bool:
        return True

    @default("manage_groups")
    def _groups_of_the_directory(self) -> bool:
        return True

    @cached_property
    def directory(self) -> Directory:
        """The people, asked afresh each time."""
        return open_directory(Path(self.directory_file))

    async def refresh_user(self, user: Any, handler: Any = None) -> bool | dict[str, Any]:  # noqa: ARG002 - JupyterHub's
        """Bring groups and rights up to date while somebody is signed in; who left the directory must sign in again."""
        try:
            return model(await asyncio.to_thread(self.person, user.name))
        except DirectoryError:
            return True  # A directory that cannot be read for a moment throws nobody out.
        except BeamtorchError:
            return False

    def person(self, name: str) -> Identity:
        """Return somebody, read afresh; errors as in `Directory.person`."""
        return self.directory.person(Username(name))

    def unavailable(self, error: Exception) -> HTTPError:
        """Return the refusal for a sign-in that cannot be judged; only the log says why."""
        # Without its traceback, which might quote what a file of passwords holds.
        self.log.error("Nobody can sign in: %s", told(error))
        # What cannot be read is the facility's business; a stranger at the door learns no paths.
        refusal = HTTPError(HTTPStatus.SERVICE_UNAVAILABLE, str(NOBODY))
        refusal.__cause__ = SignInUnavailableError(NOBODY)
        return refusal

    def refused(self, error: PersonRefusedError | UnknownPersonError) -> HTTPError:
        """Return the refusal for somebody who proved who they are, and may not come in as the directory has them."""
        self.log.warning("A sign-in was refused: %s", error.detail.en)
        refusal = HTTPError(HTTPStatus.FORBIDDEN, str(error.detail))
        refusal.__cause__ = SignInRefusedError(error.detail)
        return refusal


class PasswordAuthenticator(DirectoryAuthenticator):
    """Asks for a name and a password; who guesses has to wait."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.wrong_logins = WrongLogins()

    def known(self, name: str, password: str) -> Identity | None:
        """Return whose password it is, None for nobody's; called in a thread.

        Raises
        ------
        PersonRefusedError
            If it is right, and the person may not come in.
        BeamtorchError, OSError, ValueError
            If it cannot be judged.
        """
        raise NotImplementedError

    async def authenticate(self, handler: Any, data: dict[str, str]) -> dict[str, Any] | None:  # noqa: ARG002 - JupyterHub's
        """Return the person whose name and password were given, or None."""
        name, password = data.get("username", "").strip(), data.get("password", "")
        await asyncio.sleep(self.wrong_logins.begin(name))
        try:
            person = await asyncio.to_thread(self.known, name, password)
        except PersonRefusedError as error:
            raise self.refused(error)  # noqa: B904 - has the cause that its page shows
        except (BeamtorchError, OSError, ValueError) as error:
            raise self.unavailable(error)  # noqa: B904 - has the cause that its page shows
        if person is None:
            return None
        self.wrong_logins.forgive(name)
        return model(person)


def told(error: Exception) -> str:
    """Return what may be said of an error in a log: our own sentences, and of others only what they are."""
    return str(error) if isinstance(error, BeamtorchError | OSError) else "the file of passwords is no JSON"


def model(person: Identity) -> dict[str, Any]:
    """Return what JupyterHub keeps of a person."""
    return {"name": str(person.username), "admin": person.is_admin, "groups": list(person.groups)}
