"""What a demo facility consists of: people, beamlines, beamtimes, and a recipe for each dataset.

A facility is described by a YAML file (`facility.yaml` beside this module is the default). Nothing in it is a catalogue
row: the recipes make files, and the catalogue learns everything from them by the same ingest as at a real facility.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from beamtorch_catalogue.wire import (
    BeamtimeRecord,
    FacilityRecords,
    InstrumentRecord,
    ProposalRecord,
    SampleRecord,
)
from beamtorch_facility.data_layout import Area
from beamtorch_facility.dataset import DatasetKind
from beamtorch_facility.identity import ADMIN_GROUP, STAFF_PREFIX, TEAM_PREFIX, Identity, Username
from beamtorch_facility.proposal import BeamlineId, BeamtimeId
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words
from beamtorch_hub.demo.errors import SpecUnreadableError
from beamtorch_hub.demo.recipe import Copied, DatasetName, Recipe, SimulatedCt, Strict, Truncated

DEFAULT = Path(__file__).with_name("facility.yaml")
FIRST_UID = 20101
FIRST_GID = 30101
"""Of the groups: teams, beamline staff and whoever runs the facility."""
_MISTAKES_TOLD = 4


class DemoPerson(Strict):
    """Somebody who can log in."""

    username: Username
    full_name: Words
    language: str = "en"
    staff_of: tuple[BeamlineId, ...] = ()
    admin: bool = False


class DemoProposal(ProposalRecord):
    """A proposal and its team, the principal investigator included."""

    team: Annotated[tuple[Username, ...], Field(min_length=1)]


class DemoDataset(Strict):
    """A dataset: where it lies, what files cannot tell, and how its files are made."""

    name: DatasetName
    beamtime: BeamtimeId
    area: Area = Area.RAW
    kind: DatasetKind | None = Field(default=None, description="none: what the area says")
    technique: str
    sample: str | None = None
    measured_at: datetime | None = None
    parameters: dict[str, Quantity | str] = Field(default_factory=dict)
    software: str | None = None
    recipe: Recipe

    @field_validator("area")
    @classmethod
    def _catalogued(cls, area: Area) -> Area:
        if area not in {Area.RAW, Area.PROCESSED}:
            raise ValueError("datasets lie in raw or processed")
        return area


class DemoSpec(Strict):
    """A whole facility."""

    name: Words
    seed: int = Field(ge=0, description="simulated scans follow from it")
    people: tuple[DemoPerson, ...]
    instruments: tuple[InstrumentRecord, ...]
    proposals: tuple[DemoProposal, ...]
    beamtimes: tuple[BeamtimeRecord, ...]
    samples: tuple[SampleRecord, ...] = ()
    datasets: tuple[DemoDataset, ...] = ()

    @model_validator(mode="after")
    def _names_meet(self) -> Self:
        beamlines = {one.beamline for one in self.instruments}
        users = {person.username for person in self.people}
        proposals = {one.proposal for one in self.proposals}
        places = {place for person in self.people for place in person.staff_of}
        _each_known("beamline", beamlines, places | {stay.beamline for stay in self.beamtimes})
        _each_known("person", users, {name for one in self.proposals for name in one.team})
        _each_known("proposal", proposals, [stay.proposal for stay in self.beamtimes])
        _each_known("proposal", proposals, [sample.proposal for sample in self.samples])
        _each_known("beamtime", {stay.beamtime for stay in self.beamtimes}, {one.beamtime for one in self.datasets})
        _each_once("person", [person.username for person in self.people])
        _each_once("proposal", [one.proposal for one in self.proposals])
        _each_once("beamtime", [stay.beamtime for stay in self.beamtimes])
        _each_once("dataset", [one.name for one in self.datasets])
        for proposal in self.proposals:
            _each_known(f"member of the team of {proposal.proposal}", proposal.team, [proposal.principal_investigator])
        for dataset in self.datasets:
            self._check_dataset(dataset)
        return self

    def _check_dataset(self, dataset: DemoDataset) -> None:
        proposal = self.stay(dataset).proposal
        known = {sample.sample for sample in self.samples if sample.proposal == proposal}
        _each_known(f"sample of {proposal}", known, [dataset.sample] if dataset.sample else [])
        if isinstance(dataset.recipe, Truncated):
            whole = {one.name for one in self.datasets if isinstance(one.recipe, Copied | SimulatedCt)}
            _each_known("dataset with a file that could be truncated", whole, {dataset.recipe.of})

    def stay(self, dataset: DemoDataset) -> BeamtimeRecord:
        """Return the beamtime of a dataset."""
        return next(stay for stay in self.beamtimes if stay.beamtime == dataset.beamtime)

    def identities(self) -> tuple[Identity, ...]:
        """Return the people as the directory holds them."""
        named = [group for person in self.people for group in self._groups(person)]
        numbers = {group: FIRST_GID + place for place, group in enumerate(dict.fromkeys(named))}
        return tuple(
            Identity(
                username=person.username,
                full_name=person.full_name,
                uid=FIRST_UID + place,
                gid=FIRST_UID + place,
                groups=self._groups(person),
                gids={group: numbers[group] for group in self._groups(person)},
                language=person.language,
            )
            for place, person in enumerate(self.people)
        )

    def _groups(self, person: DemoPerson) -> tuple[str, ...]:
        teams = [f"{TEAM_PREFIX}{one.proposal}" for one in self.proposals if person.username in one.team]
        staff = [f"{STAFF_PREFIX}{beamline}" for beamline in person.staff_of]
        return (*teams, *staff, *([ADMIN_GROUP] if person.admin else []))

    def records(self) -> FacilityRecords:
        """Return what the user office would send to the catalogue."""
        return FacilityRecords(
            name=self.name,
            instruments=self.instruments,
            proposals=tuple(ProposalRecord(**one.model_dump(exclude={"team"})) for one in self.proposals),
            beamtimes=self.beamtimes,
            samples=self.samples,
        )


def _each_known(what: str, known: Collection[str], named: Iterable[str]) -> None:
    for name in sorted(set(named) - set(known)):
        raise ValueError(f"“{name}” is no {what} of this facility")


def _each_once(what: str, names: list[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise ValueError(f"{what} “{name}” is described {count} times")


def load_spec(path: Path = DEFAULT) -> DemoSpec:
    """Read a facility; raise `SpecUnreadableError` with the place and the reason."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return DemoSpec.model_validate(document, context=path.parent)
    except ValidationError as error:
        raise SpecUnreadableError.of(path, _mistakes(error)) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SpecUnreadableError.of(path, str(error)) from error


def _mistakes(error: ValidationError) -> str:
    told = [(".".join(str(part) for part in one["loc"]), one["msg"]) for one in error.errors()]
    lines = [f"{place}: {message}" if place else message for place, message in told[:_MISTAKES_TOLD]]
    return "; ".join(lines) + (f"; and {len(told) - _MISTAKES_TOLD} more" if len(told) > _MISTAKES_TOLD else "")


def dump_spec(spec: DemoSpec) -> str:
    """Write a facility in the form that `load_spec` reads."""
    document = spec.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=120)
