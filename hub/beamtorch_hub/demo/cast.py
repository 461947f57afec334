"""Who plays which part in a facility: found from its description, so that no story needs to know a name."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from beamtorch_facility.data_layout import Area
from beamtorch_facility.identity import Username
from beamtorch_facility.proposal import ProposalId
from beamtorch_hub.demo.errors import NobodyForThePartError
from beamtorch_hub.demo.recipe import Copied, MissingLink, SimulatedCt, Truncated
from beamtorch_hub.demo.spec import DemoDataset, DemoPerson, DemoSpec

TOMOGRAPHY = "tomography"
_Part = TypeVar("_Part")


@dataclass(frozen=True)
class DemoCast:
    """The parts of the stories.

    Attributes
    ----------
    scan
        The real tomography scan; the largest simulated one where a facility has no real one.
    scientist
        Somebody of the team that measured `scan`, English-speaking if there is one.
    colleague
        Another of that team who speaks Chinese, if there is one.
    outsider
        A scientist who shares no proposal with `scientist`.
    staff, admin
        Beamline staff where `scan` was measured; who runs the facility.
    simulated
        A simulated scan that `scientist` can read.
    hidden
        A whole tomography scan that `outsider` can read and `scientist` cannot.
    truncated, missing_link
        The datasets that are broken on purpose, if the facility has them.
    """

    scan: DemoDataset
    scientist: Username
    colleague: Username | None
    outsider: Username
    staff: Username
    admin: Username
    simulated: DemoDataset
    hidden: DemoDataset
    truncated: DemoDataset | None
    missing_link: DemoDataset | None

    @property
    def query(self) -> str:
        """A word that finds `scan`."""
        return search_word(self.scan.name)


def cast(spec: DemoSpec) -> DemoCast:
    """Find the parts; raise `NobodyForThePartError` for the first that a facility cannot fill."""
    scan = _first("a tomography scan", _scans(spec))
    proposal = spec.stay(scan).proposal
    team = sorted((p for p in spec.people if p.username in _team(spec, proposal)), key=_speaks_chinese)
    scientist = _first(f"a member of {proposal}", team).username
    colleagues = [p.username for p in team if p.username != scientist and _speaks_chinese(p)]
    outsider = _first("a scientist of another group", _outsiders(spec, scientist)).username
    beamline = spec.stay(scan).beamline
    mine = readable_datasets(spec, scientist)
    others = [one for one in readable_datasets(spec, outsider) if one not in mine]
    return DemoCast(
        scan=scan,
        scientist=scientist,
        colleague=next(iter(colleagues), None),
        outsider=outsider,
        staff=_first(f"staff of {beamline}", [p for p in spec.people if beamline in p.staff_of]).username,
        admin=_first("an admin", [p for p in spec.people if p.admin]).username,
        simulated=_first("a simulated scan", [one for one in mine if isinstance(one.recipe, SimulatedCt)]),
        hidden=_first("a scan of the other group", [one for one in others if one in _scans(spec)]),
        truncated=next((one for one in mine if isinstance(one.recipe, Truncated)), None),
        missing_link=next((one for one in mine if isinstance(one.recipe, MissingLink)), None),
    )


def readable_datasets(spec: DemoSpec, user: Username) -> tuple[DemoDataset, ...]:
    """Return what somebody may read, in the order of the description."""
    person = next(p for p in spec.people if p.username == user)
    return tuple(one for one in spec.datasets if _may_read(spec, person, one))


def search_word(name: str) -> str:
    """Return the first word of a dataset's name, which a person would search for."""
    words: list[str] = re.findall(r"[A-Za-z]{3,}", name)
    return words[0].lower() if words else name


def _may_read(spec: DemoSpec, person: DemoPerson, dataset: DemoDataset) -> bool:
    stay = spec.stay(dataset)
    return person.admin or stay.beamline in person.staff_of or person.username in _team(spec, stay.proposal)


def _team(spec: DemoSpec, proposal: ProposalId) -> tuple[Username, ...]:
    return next(one.team for one in spec.proposals if one.proposal == proposal)


def _scans(spec: DemoSpec) -> list[DemoDataset]:
    """Return the whole tomography scans, real ones first, then by size."""

    def rank(dataset: DemoDataset) -> tuple[bool, int]:
        recipe = dataset.recipe
        simulated = isinstance(recipe, SimulatedCt)
        return simulated, -recipe.columns * recipe.rows * recipe.projections if isinstance(recipe, SimulatedCt) else 0

    whole = [
        one
        for one in spec.datasets
        if one.technique == TOMOGRAPHY and one.area == Area.RAW and isinstance(one.recipe, Copied | SimulatedCt)
    ]
    return sorted(whole, key=rank)


def _outsiders(spec: DemoSpec, scientist: Username) -> Iterator[DemoPerson]:
    shared = {member for one in spec.proposals if scientist in one.team for member in one.team}
    for person in spec.people:
        is_scientist = any(person.username in one.team for one in spec.proposals)
        if is_scientist and person.username not in shared and not person.admin and not person.staff_of:
            yield person


def _speaks_chinese(person: DemoPerson) -> bool:
    return person.language.lower().startswith("zh")


def _first(what: str, parts: Iterable[_Part]) -> _Part:
    for part in parts:
        return part
    raise NobodyForThePartError.of(what)
