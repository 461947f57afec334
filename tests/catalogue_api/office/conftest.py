"""What tests of the user office need: its records in a form to change, and a look into the tables."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.models import Change
from beamtorch_catalogue.testing.world import World, facility_records

Rows = Callable[..., list[Any]]


@pytest.fixture
def rows(world: World):
    """Read rows of a table, or whatever a statement selects."""
    database = Database(world.database)

    def read(statement: Any) -> list[Any]:
        with database.reading() as session:
            return list(session.execute(statement).all())

    yield read
    database.close()


@pytest.fixture
def changes(rows: Rows):
    """Read what the history says, from a number on."""

    def read(after: int = 0) -> list[Change]:
        return [row for (row,) in rows(select(Change).where(Change.number > after).order_by(Change.number))]

    return read


@pytest.fixture
def document() -> dict[str, Any]:
    """The records of the small facility, with people, roles and stations."""
    made = facility_records().model_dump(mode="json")
    made["people"] = [
        {"username": "ada", "name": {"en": "Ada Okafor", "zh": "阿达·奥卡福"}, "orcid": "0000-0002-1825-0097"},
        {"username": "bo", "name": {"en": "Bo Lindqvist", "zh": "林博"}, "affiliation": {"en": "Lund", "zh": "隆德"}},
        {"username": "chen", "name": {"en": "Chen Wei", "zh": "陈伟"}},
    ]
    made["instruments"][0]["stations"] = [{"station": "hutch-a", "name": {"en": "Hutch A", "zh": "甲站"}}]
    made["proposals"][0]["people"] = [{"username": "bo", "role": "co-proposer"}]
    made["proposals"][1]["people"] = [{"username": "chen", "role": "principal-investigator"}]
    made["beamtimes"][0]["station"] = "hutch-a"
    return made
