"""Signing in at the embedded platform: people and groups from the directory, passwords from one file.

A facility replaces this by its own sign-in; what stays is that groups and the right to administer come from the
directory at each sign-in, never from the Hub's database.
"""

import asyncio
import hmac
import json
import secrets
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jupyterhub.auth import Authenticator
from tornado.web import HTTPError
from traitlets import Unicode, default

from beamtorch_facility.directory import DirectoryError, UnknownPersonError, YamlDirectory
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.words import Words
from beamtorch_hub.errors import SignInUnavailableError
from beamtorch_hub.wrong_logins import WrongLogins

NOBODY = Words(
    en="Nobody can sign in now, because the list of people cannot be read. Tell the facility, or try again later.",
    zh="人员名单无法读取，暂时无法登录。请告知设施人员，或稍后重试。",
)


class DemoAuthenticator(Authenticator):
    """Knows the people of a YAML directory by the passwords of a JSON file."""

    directory_file = Unicode(config=True, help="YAML file of the people")
    password_file = Unicode(config=True, help="JSON file: user name → password; readable by the owner alone")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.wrong_logins = WrongLogins()

    @default("allow_all")
    def _everybody_in_the_directory(self) -> bool:
        return True

    @default("manage_groups")
    def _groups_of_the_directory(self) -> bool:
        return True

    async def authenticate(self, handler: Any, data: dict[str, str]) -> dict[str, Any] | None:  # noqa: ARG002 - JupyterHub's
        """Return the person whose name and password were given, or None."""
        name, password = data.get("username", "").strip(), data.get("password", "")
        await asyncio.sleep(self.wrong_logins.begin(name))
        try:
            person = await asyncio.to_thread(self._known, name, password)
        except (BeamtorchError, OSError, ValueError) as error:
            # Without its traceback, which might quote what the file of passwords holds.
            self.log.error("Nobody can sign in: %s", _told(error))  # noqa: TRY400
            # What cannot be read is the facility's business; a stranger at the door learns no paths.
            raise HTTPError(HTTPStatus.SERVICE_UNAVAILABLE, str(NOBODY)) from SignInUnavailableError(NOBODY)
        if person is None:
            return None
        self.wrong_logins.forgive(name)
        return _model(person)

    async def refresh_user(self, user: Any, handler: Any = None) -> bool | dict[str, Any]:  # noqa: ARG002 - JupyterHub's
        """Bring groups and rights up to date while somebody is signed in; who left the directory must sign in again."""
        try:
            return _model(await asyncio.to_thread(self._person, user.name))
        except DirectoryError:
            return True  # A directory that cannot be read for a moment throws nobody out.
        except BeamtorchError:
            return False

    def _person(self, name: str) -> Identity:
        return YamlDirectory(Path(self.directory_file)).person(Username(name))

    def _known(self, name: str, password: str) -> Identity | None:
        passwords = json.loads(Path(self.password_file).read_text(encoding="utf-8"))
        expected = passwords.get(name)
        # Somebody unknown costs the same comparison, so that the time tells nothing.
        right = hmac.compare_digest(password.encode(), str(expected or secrets.token_urlsafe()).encode())
        if not right or not expected:
            return None
        try:
            return self._person(name)
        except UnknownPersonError:
            return None


def _told(error: Exception) -> str:
    return "the file of passwords is no JSON" if isinstance(error, ValueError) else str(error)


def _model(person: Identity) -> dict[str, Any]:
    return {"name": str(person.username), "admin": person.is_admin, "groups": list(person.groups)}
