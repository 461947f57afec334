"""The directory: the one place that knows people, their POSIX numbers and their groups.

The embedded default keeps it in a YAML file with the fields that LDAP has; a facility plugs its own in.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.words import Words


class DirectoryError(BeamtorchError):
    """The directory cannot answer."""

    code = "directory-unusable"
    status = 503
    title = Words(en="The directory of people cannot be read", zh="无法读取人员目录")


class UnknownPersonError(BeamtorchError):
    """Nobody of that name."""

    code = "unknown-person"
    status = 404
    title = Words(en="Nobody of that name", zh="没有此人")


class Directory(Protocol):
    """Whatever knows people: a YAML file here, LDAP at a facility."""

    def person(self, username: Username) -> Identity:
        """Return a person, read afresh; raise `UnknownPersonError` for nobody."""
        ...

    def people(self) -> Iterable[Identity]:
        """Return everybody."""
        ...


class _People(BaseModel):
    model_config = ConfigDict(extra="forbid")

    people: list[Identity]


class YamlDirectory:
    """People from a YAML file, read again whenever it changed so that a change counts at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[tuple[int, int, int], dict[Username, Identity]] | None = None

    def people(self) -> Iterable[Identity]:
        """Return everybody in the file."""
        return tuple(self._people().values())

    def _people(self) -> dict[Username, Identity]:
        try:
            seen = self._path.stat()
            version = (seen.st_mtime_ns, seen.st_size, seen.st_ino)
            if self._read is not None and self._read[0] == version:
                return self._read[1]
            document = yaml.safe_load(self._path.read_text(encoding="utf-8"))
            # The first of a name counts.
            people: dict[Username, Identity] = {}
            for one in _People.model_validate(document).people:
                people.setdefault(one.username, one)
        except (OSError, yaml.YAMLError, ValidationError) as error:
            raise DirectoryError(
                Words(
                    en=f"{self._path} cannot be read as a directory of people: {error}. Mend the file and try again.",
                    zh=f"无法将 {self._path} 读作人员目录：{error}。请修正文件后重试。",
                )
            ) from error
        self._read = (version, people)
        return people

    def person(self, username: Username) -> Identity:
        """Return one person of the file."""
        known = self._people().get(username)
        if known is not None:
            return known
        raise UnknownPersonError(
            Words(
                en=f"The directory knows nobody called “{username}”. Check the spelling, or ask the user office.",
                zh=f"人员目录中没有“{username}”。请检查拼写，或联系用户办公室。",
            )
        )


def dump_people(people: Iterable[Identity]) -> str:
    """Write people in the form that `YamlDirectory` reads."""
    rows = [person.model_dump(mode="json", exclude_defaults=True) for person in people]
    return yaml.safe_dump({"people": rows}, allow_unicode=True, sort_keys=False)
