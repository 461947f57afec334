"""What somebody reads once a platform is ready: where it is, who can sign in, where it writes, how it ends."""

import json
import os
import pwd
import shlex
import unicodedata
from collections.abc import Iterable, Sequence

from beamtorch_facility.directory import YamlDirectory
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.identity import Identity
from beamtorch_hub.cluster.settings import ClusterSettings
from beamtorch_hub.home import PlatformHome, default_home
from beamtorch_hub.platform.separation import Separation
from beamtorch_hub.settings import PlatformSettings


def banner(home: PlatformHome, url: str, *, seconds: float | None, detached: bool) -> str:
    """Return the text for the terminal; it has the passwords and goes into no log."""
    took = f" ({seconds:.1f} s)" if seconds is not None else ""
    stop = command("down", home) if detached else f"Ctrl-C, or {command('down', home)}"
    return "\n".join(
        [
            "",
            f"Beamtorch is ready{took}: {url}",
            "",
            *_table(("user", "password", "who"), list(_people(home))),
            "",
            f"logs:     {home.logs}",
            f"stop:     {stop}",
            f"restart:  {command('restart', home)} [hub|spawner|catalogue|reader|proxy] leaves labs alone",
            *_about_labs(home),
        ]
    )


def command(name: str, home: PlatformHome) -> str:
    """Return a command line for this home, as short as it may be."""
    where = "" if home.root == default_home() else f" --home {shlex.quote(str(home.root))}"
    return f"beamtorch {name}{where}"


def _about_labs(home: PlatformHome) -> list[str]:
    try:
        settings = PlatformSettings.load(home)
    except BeamtorchError:
        return []
    labs = in_cluster(settings.cluster) if settings.cluster else [f"labs:     {on_this_machine(settings.separation)}"]
    return [*labs, f"files:    {in_the_web(settings)}"]


def in_the_web(settings: PlatformSettings) -> str:
    """Say plainly with whose rights downloads and pictures are read."""
    if settings.catalogue_uid is not None:
        own = settings.catalogue_uid
        return f"the web reads them as the person who asks; the catalogue itself is uid {own}, who owns no data"
    why = settings.separation.why_not or "not tried"
    return f"the web reads them as uid {os.getuid()}, whoever asks; the catalogue decides who may: {why}"


def in_cluster(cluster: ClusterSettings) -> list[str]:
    """Say where labs are, and what is open to whom because of it."""
    lines = [
        f"labs:     pods in the namespace {cluster.namespace} of {cluster.server}, image {cluster.lab_image}",
        f"open:     hub, spawner and catalogue listen on {cluster.address} for them; web pages are on loopback alone",
    ]
    if cluster.uses_folders and os.geteuid() != 0:
        lines.append(
            "note:     only root can give homes to their people; a lab cannot write where its person does not own"
        )
    return lines


def on_this_machine(separation: Separation) -> str:
    """Say plainly as whom labs run, and what the embedded platform cannot do."""
    limits = "Cores and memory are told to a lab but not enforced; a facility's platform does that, too."
    if separation.is_on:
        return f"each runs under its person's own uid, gid and groups. {limits}"
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = "a user without a name"
    why = separation.why_not or "not tried"
    return f"all run as {name} (uid {uid}), so files are not separated by user: {why}. {limits}"


def _people(home: PlatformHome) -> Iterable[tuple[str, str, str]]:
    try:
        passwords = json.loads(home.passwords.read_text(encoding="utf-8"))
        people = tuple(YamlDirectory(home.directory).people())
    except (OSError, ValueError, BeamtorchError):
        return
    for person in people:
        if password := passwords.get(str(person.username)):
            yield str(person.username), str(password), _who(person)


def _who(person: Identity) -> str:
    parts = [person.full_name.within(person.language)]
    parts += [f"staff of {beamline}" for beamline in sorted(map(str, person.staffed_beamlines))]
    parts += [f"proposals {', '.join(sorted(map(str, person.proposals)))}"] if person.proposals else []
    parts += ["runs the facility"] if person.is_admin else []
    return " · ".join(parts)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(_columns, column)) for column in zip(head, *rows, strict=True)]
    return [
        (
            "  " + "  ".join(cell + " " * (width - _columns(cell)) for cell, width in zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    ]


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
