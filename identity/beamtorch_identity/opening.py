"""Which directory a platform has: one file says it, people themselves or the server that knows them."""

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from beamtorch_facility.directory import Directory, YamlDirectory
from beamtorch_facility.words import Words
from beamtorch_identity.errors import LdapSettingsError
from beamtorch_identity.ldap_directory import LdapDirectory
from beamtorch_identity.ldap_settings import LdapSettings
from beamtorch_identity.remembered import RememberingDirectory

LDAP = "ldap"


class _Named(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ldap: LdapSettings


def open_directory(path: Path, *, for_pages: bool = False) -> Directory:
    """Return the directory of a file: one with ``ldap:`` names a server, every other one lists people.

    Parameters
    ----------
    path
        The file.
    for_pages
        Whether an answer may be a while old (``cached_seconds``): for pages and searches, never for a start.

    Raises
    ------
    LdapSettingsError
        If the server's settings are not what they should be.
    """
    settings = ldap_settings(path)
    if settings is None:
        return YamlDirectory(path)
    return RememberingDirectory(
        LdapDirectory(settings),
        seconds=settings.remembered_seconds,
        fresh_for=settings.cached_seconds if for_pages else 0,
    )


def ldap_settings(path: Path) -> LdapSettings | None:
    """Return the server's settings of a file, None if it lists people; errors as in `open_directory`."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        # The list of people tells what is wrong with its file.
        return None
    if not isinstance(document, dict) or LDAP not in document:
        return None
    try:
        return _Named.model_validate(document).ldap
    except ValidationError as error:
        raise LdapSettingsError(
            Words(
                en=f"{path} does not say how to ask the LDAP server: {error}. Mend the file and try again.",
                zh=f"{path} 未正确说明如何访问 LDAP 服务器：{error}。请修正后重试。",
            )
        ) from error
