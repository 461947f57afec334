"""An import in parts, in any order and more than once, ends in the same tables as the whole at once."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, select

from beamtorch_catalogue.services.facility import FacilityOffice
from beamtorch_catalogue.services.office.kinds import KINDS
from beamtorch_catalogue.services.office.renewing import Renewal
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.release_policy import Policy
from beamtorch_catalogue.services.releases import Releases
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.full_text import full_text
from beamtorch_catalogue.stores.models import Base, Change, Sample, SampleElement
from beamtorch_catalogue.testing.world import write_people
from beamtorch_catalogue.wire import FacilityRecords
from beamtorch_facility.clock import SystemClock
from beamtorch_facility.directory import YamlDirectory

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
WORDS = st.fixed_dictionaries({"en": TEXT, "zh": TEXT | st.sampled_from(["人类臼齿", "电池"])})
FORMULA = st.none() | st.sampled_from(["CeO2", "LiFePO4", "Ti-6Al-4V", "tooth", "H2O"]) | TEXT
DAYS = st.dates(date(2026, 1, 1), date(2027, 1, 1))
Document = dict[str, Any]


def some(names: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), unique=True, max_size=len(names))


@st.composite
def documents(draw: st.DrawFn) -> Document:
    instruments = [
        {
            "beamline": name,
            "name": draw(WORDS),
            "technique": draw(TEXT),
            "stations": [{"station": s, "name": draw(WORDS)} for s in draw(some(["a", "b"]))],
        }
        for name in draw(some(["BL1", "BL2", "BL3"]))
    ]
    people = [
        {"username": name, "name": draw(WORDS), "affiliation": draw(st.none() | WORDS)}
        for name in draw(some(["ada", "bo", "chen"]))
    ]
    role = st.tuples(
        st.sampled_from([p["username"] for p in people] or [""]), st.sampled_from(["helper", "co-proposer"])
    )
    roles = st.lists(role, unique=True, max_size=3) if people else st.just([])
    proposals = [
        {
            "proposal": name,
            "title": draw(WORDS),
            "principal_investigator": draw(st.sampled_from(["ada", "eve"])),
            "people": [{"username": u, "role": r} for u, r in draw(roles)],
            "embargo_months": draw(st.none() | st.integers(0, 40)),
            "released_to": draw(st.sampled_from([None, "nobody", "world"])),
        }
        for name in draw(some(["P1", "P2", "P3"]))
    ]
    beamtimes, samples = [], []
    if proposals:
        proposal = st.sampled_from([p["proposal"] for p in proposals])
        names = draw(st.lists(st.tuples(proposal, TEXT.filter(bool)), unique=True, max_size=5))
        samples = [
            {"sample": name, "proposal": p, "description": draw(WORDS), "formula": draw(FORMULA)} for p, name in names
        ]
        for name in draw(some(["B1", "B2", "B3"])) if instruments else []:
            beamline, start = draw(st.sampled_from(instruments)), draw(DAYS)
            stations = [s["station"] for s in beamline["stations"]]
            beamtimes.append(
                {
                    "beamtime": name,
                    "proposal": draw(proposal),
                    "beamline": beamline["beamline"],
                    "start": start,
                    "end": start + timedelta(days=draw(st.integers(0, 9))),
                    "station": draw(st.none() | st.sampled_from(stations)) if stations else None,
                }
            )
    return {
        "name": draw(WORDS),
        "instruments": instruments,
        "people": people,
        "proposals": proposals,
        "beamtimes": beamtimes,
        "samples": samples,
    }


@st.composite
def halves(draw: st.DrawFn) -> tuple[Document, Document, Document]:
    """Return a whole and two parts of it; what a part refers to is in it, too."""
    whole = draw(documents())
    marks = {kind: [draw(st.sampled_from(["first", "second", "both"])) for _ in whole[kind]] for kind in PARTS}

    def part(name: str) -> Document:
        chosen = {
            kind: [one for one, mark in zip(whole[kind], marks[kind], strict=True) if mark in {name, "both"}]
            for kind in PARTS
        }
        referring = [*chosen["beamtimes"], *chosen["samples"]]
        chosen["proposals"] = needed(whole["proposals"], "proposal", chosen["proposals"], referring)
        chosen["instruments"] = needed(whole["instruments"], "beamline", chosen["instruments"], chosen["beamtimes"])
        members = [role for proposal in chosen["proposals"] for role in proposal["people"]]
        chosen["people"] = needed(whole["people"], "username", chosen["people"], members)
        return {"name": whole["name"], **chosen}

    return whole, part("first"), part("second")


PARTS = ("instruments", "people", "proposals", "beamtimes", "samples")


def needed(all_of_them: list[Any], key: str, chosen: list[Any], referring: Iterable[Any]) -> list[Any]:
    names = {one[key] for one in (*chosen, *referring)}
    return [one for one in all_of_them if one[key] in names]


class Tables:
    """A catalogue without a server, whose tables can be emptied and read."""

    def __init__(self, database: Database, directory: Path) -> None:
        self.database = database
        people = YamlDirectory(directory)
        words = full_text(is_sqlite=database.is_sqlite)
        follow = Releases(database=database, clock=SystemClock(), policy=Policy()).follow_again
        renewal = Renewal(full_text=words, directory=people, follow=follow)
        self.office = FacilityOffice(database=database, directory=people, renewal=renewal)
        self.ingestor = Reader(
            name="ingest", identity=None, sees_all=True, may_ingest=True, asked_at=datetime(2026, 11, 21, tzinfo=UTC)
        )

    def after(self, *documents: Document) -> dict[str, Any]:
        """Return all rows after some imports into empty tables; what was taken in twice is no second change."""
        with self.database.writing() as session:
            for table in reversed(Base.metadata.sorted_tables):
                session.execute(table.delete())
        for document in documents:
            self.office.take_in(self.ingestor, FacilityRecords.model_validate(document))
        noted = self.count()
        for document in documents:
            assert self.office.take_in(self.ingestor, FacilityRecords.model_validate(document)).changes == 0
        assert self.count() == noted
        return self.rows()

    def count(self) -> int:
        with self.database.reading() as session:
            return len(session.scalars(select(Change.number)).all())

    def rows(self) -> dict[str, Any]:
        with self.database.reading() as session:
            tables = {}
            for kind in KINDS:
                columns = [c for c in inspect(kind.table).columns if c.name != "number"]
                tables[kind.name] = sorted(map(repr, session.execute(select(*columns)).all()))
            elements = select(Sample.proposal, Sample.name, SampleElement.element).join(
                SampleElement, SampleElement.sample == Sample.number
            )
            return tables | {"elements": sorted(map(repr, session.execute(elements).all()))}


@pytest.fixture
def tables(database: str, tmp_path: Path) -> Iterator[Tables]:
    store = Database(database)
    store.upgrade()
    write_people(tmp_path / "directory.yaml")
    yield Tables(store, tmp_path / "directory.yaml")
    store.close()


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(halves())
def test_parts_in_any_order_and_twice_end_in_the_same_tables(tables: Tables, parts):
    whole, first, second = parts
    wanted = tables.after(whole)
    for order in ((first, second), (second, first), (first, second, first), (second, whole)):
        assert tables.after(*order) == wanted
