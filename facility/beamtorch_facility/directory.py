"""The directory: the one place that knows people, their POSIX numbers and their groups.

Nobody gets numbers by default: who is locked, ambiguous, or has a system's number is refused, whatever directory it is.

The embedded default keeps it in a YAML file with the fields that LDAP has; a facility plugs its own in.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

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


class PersonRefusedError(BeamtorchError):
    """Somebody is in the directory, but must not become anybody to the kernel."""

    code = "person-refused"
    status = 403
    title = Words(en="The directory's entry cannot be used", zh="目录条目不可用")


class LockedPersonError(PersonRefusedError):
    """The account is locked or over."""

    code = "account-locked"
    title = Words(en="The account is locked", zh="账户已锁定")


class AmbiguousPersonError(PersonRefusedError):
    """Several entries have one name or one number."""

    code = "person-ambiguous"
    title = Words(en="Several entries for one person", zh="同一人有多个条目")


class Directory(Protocol):
    """Whatever knows people: a YAML file here, LDAP at a facility."""

    def person(self, username: Username) -> Identity:
        """Return a person, read afresh.

        Raises
        ------
        UnknownPersonError
            If nobody has the name.
        PersonRefusedError
            If the entry cannot be used, or there are several.
        DirectoryError
            If the directory cannot answer.
        """
        ...

    def people(self) -> Iterable[Identity]:
        """Return everybody whose entry can be used; raise `DirectoryError` if the directory cannot answer."""
        ...

    def faults(self) -> Iterable[tuple[str, PersonRefusedError]]:
        """Return everybody else by name, with the reason; errors as in `people`."""
        ...


class Floors(BaseModel):
    """The lowest numbers that people may have; below are those of systems."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lowest_uid: int = Field(default=1000, ge=1, description="whoever has less is refused")
    lowest_gid: int = Field(default=100, ge=1, description="a primary group below it is refused, others are left out")

    def judge(self, person: Identity) -> Identity:
        """Return a person with the groups that count; raise `PersonRefusedError` for numbers of a system."""
        for what, number, least in (("uid", person.uid, self.lowest_uid), ("gid", person.gid, self.lowest_gid)):
            if number < least:
                raise refused(
                    person.username,
                    f"{what} {number} is below {least}, a system's account",
                    f"{what} {number} 小于 {least}，属系统账户",
                )
        counted = {name: gid for name, gid in person.gids.items() if gid >= self.lowest_gid}
        return person if counted == person.gids else person.model_copy(update={"gids": counted})


def refused(name: str, why_en: str, why_zh: str) -> PersonRefusedError:
    """Return the error for an entry that cannot be used."""
    return PersonRefusedError(
        Words(
            en=f"The directory's entry of “{name}” cannot be used: {why_en}. The facility has to mend it.",
            zh=f"目录中“{name}”的条目不可用：{why_zh}。须由设施人员修正。",
        )
    )


def locked(name: str, *, is_over: bool = False) -> LockedPersonError:
    """Return the error for an account that is locked, or over."""
    return LockedPersonError(
        Words(
            en=f"The account “{name}” is {'over' if is_over else 'locked'} in the directory. Ask the user office.",
            zh=f"账户“{name}”在目录中已{'过期' if is_over else '锁定'}。请联系用户办公室。",
        )
    )


def unknown(name: str) -> UnknownPersonError:
    """Return the error for a name that nobody has."""
    return UnknownPersonError(
        Words(
            en=f"The directory knows nobody called “{name}”. Check the spelling, or ask the user office.",
            zh=f"人员目录中没有“{name}”。请检查拼写，或联系用户办公室。",
        )
    )


def ambiguous(name: str, count: int) -> AmbiguousPersonError:
    """Return the error for a name that several entries have."""
    return AmbiguousPersonError(
        Words(
            en=f"The directory has {count} entries called “{name}”. The facility has to mend that.",
            zh=f"目录中有 {count} 个名为“{name}”的条目。须由设施人员修正。",
        )
    )


def same_number(person: Identity, other: str) -> AmbiguousPersonError:
    """Return the error for a number that somebody else has, too: to the kernel they would be one person."""
    return AmbiguousPersonError(
        Words(
            en=f"The directory gives uid {person.uid} of “{person.username}” to {other}, too. The facility has to "
            "mend that.",
            zh=f"目录将“{person.username}”的 uid {person.uid} 也分配给了 {other}。须由设施人员修正。",
        )
    )


class _People(Floors):
    people: list[Identity]
    locked: frozenset[Username] = Field(default=frozenset(), description="accounts that may not be used")


@dataclass(frozen=True)
class _Known:
    """A file of people as it was read, by name and by number."""

    told: _People
    by_name: dict[Username, list[Identity]]
    by_uid: dict[int, list[Identity]]

    def judged(self, name: Username) -> Identity:
        """Return somebody whose entry can be used; errors as in `Directory.person`."""
        entries = self.by_name.get(name, [])
        if not entries:
            raise unknown(name)
        if len(entries) > 1:
            raise ambiguous(name, len(entries))
        if name in self.told.locked:
            raise locked(name)
        person = entries[0]
        if others := [one for one in self.by_uid[person.uid] if one is not person]:
            raise same_number(person, f"“{others[0].username}”")
        return self.told.judge(person)


class YamlDirectory:
    """People from a YAML file, read again whenever it changed so that a change counts at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[tuple[int, int, int], _Known] | None = None

    def person(self, username: Username) -> Identity:
        """Return one person of the file."""
        return self._known().judged(username)

    def people(self) -> Iterable[Identity]:
        """Return everybody in the file whose entry can be used."""
        known, found = self._known(), []
        for name in known.by_name:
            with suppress(PersonRefusedError):
                found.append(known.judged(name))
        return tuple(found)

    def faults(self) -> Iterable[tuple[str, PersonRefusedError]]:
        """Return everybody else in the file, with the reason."""
        known, found = self._known(), []
        for name in known.by_name:
            try:
                known.judged(name)
            except PersonRefusedError as error:
                found.append((str(name), error))
        return tuple(found)

    def _known(self) -> _Known:
        try:
            seen = self._path.stat()
            version = (seen.st_mtime_ns, seen.st_size, seen.st_ino)
            if self._read is not None and self._read[0] == version:
                return self._read[1]
            told = _People.model_validate(yaml.safe_load(self._path.read_text(encoding="utf-8")))
        except (OSError, yaml.YAMLError, ValidationError) as error:
            raise DirectoryError(
                Words(
                    en=f"{self._path} cannot be read as a directory of people: {error}. Mend the file and try again.",
                    zh=f"无法将 {self._path} 读作人员目录：{error}。请修正文件后重试。",
                )
            ) from error
        known = _Known(told, {}, {})
        for one in told.people:
            known.by_name.setdefault(one.username, []).append(one)
            known.by_uid.setdefault(one.uid, []).append(one)
        self._read = (version, known)
        return known


def dump_people(people: Iterable[Identity]) -> str:
    """Write people in the form that `YamlDirectory` reads."""
    rows = [person.model_dump(mode="json", exclude_defaults=True) for person in people]
    return yaml.safe_dump({"people": rows}, allow_unicode=True, sort_keys=False)
