"""What was made from what: both ways, within everybody's rights, in any shape of graph."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from beamtorch_catalogue.services.provenance import MOST_NODES, Direction, Provenances, split_version
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.models import Base, Beamtime, DatasetRow, Facility, Instrument, Parentage, Proposal
from beamtorch_catalogue.stores.places import NEVER
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ADA = Reader(
    name="ada",
    identity=Identity(
        username=Username("ada"), full_name=Words(en="Ada", zh="阿达"), uid=2000, gid=2000, groups=("proposal-P1",)
    ),
    sees_all=False,
    may_ingest=False,
    asked_at=NOW,
)
ADMIN = Reader(name="ingest", identity=None, sees_all=True, may_ingest=True, asked_at=NOW)


def clear(database: Database) -> None:
    with database.writing() as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())


def fill(database: Database, proposals: list[str], edges: set[tuple[int, int]]) -> None:
    """Put datasets 0, 1, … of these proposals into empty tables, with edges from child to parent."""
    clear(database)
    with database.writing() as session:
        session.add(Facility(number=1, name_en="F", name_zh="F"))
        session.add(Instrument(beamline="BL1", name_en="B", name_zh="B", technique="tomography"))
        for name in ("P1", "P2"):
            session.add(Proposal(proposal=name, title_en="T", title_zh="T", principal_investigator="ada"))
        session.flush()
        for name in ("P1", "P2"):
            days = {"start": NOW.date(), "end": NOW.date()}
            session.add(Beamtime(beamtime=f"BT-{name}", proposal=name, beamline="BL1", **days))
        session.flush()
        session.execute(insert(DatasetRow), [row(number, proposal) for number, proposal in enumerate(proposals)])
        pairs = [{"child": child + 1, "parent": parent + 1} for child, parent in sorted(edges)]
        if pairs:
            session.execute(insert(Parentage), pairs)


def row(number: int, proposal: str) -> dict[str, Any]:
    return {
        "number": number + 1,
        "id": name_of(number),
        "source_id": f"source-{number}",
        "name": f"n{number}",
        "kind": "processed",
        "beamtime": f"BT-{proposal}",
        "technique": "tomography",
        "listed_at": NOW,
        "changed_at": NOW,
        "folder": "/data",
        "size": 1,
        "file_count": 1,
        "registered_by": "ada",
        "state": "complete",
        "fingerprint": "",
        "place": number + 1,
        "pid": f"local/{number}",
        "proposal": proposal,
        "beamline": "BL1",
        "released_at": NEVER,
    }


def name_of(number: int) -> str:
    return f"ds-{number:08d}"


def reached(
    proposals: list[str], edges: set[tuple[int, int]], depth: int, *, up: bool, sees_all: bool
) -> tuple[dict[int, int], bool]:
    """Walk in the plainest way from dataset 0; return distances, and whether a further step leads somewhere new."""
    may = {n for n, proposal in enumerate(proposals) if sees_all or proposal == "P1"}
    found, rim = {0: 0}, {0}
    for step in range(1, depth + 2):
        rim = {p for c, p in edges if c in rim} if up else {c for c, p in edges if p in rim}
        rim = {n for n in rim & may if n not in found}
        if step > depth:
            return found, bool(rim)
        found |= dict.fromkeys(rim, step)
    raise AssertionError


@pytest.fixture(scope="module")
def graph_database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    """One empty database for many graphs."""
    folder = tmp_path_factory.mktemp("graphs")
    database = Database(f"sqlite:///{folder}/graphs.sqlite")
    database.upgrade()
    return database


GRAPHS = st.integers(1, 9).flatmap(
    lambda size: st.tuples(
        st.lists(st.sampled_from(["P1", "P1", "P2"]), min_size=size - 1, max_size=size - 1).map(
            lambda others: ["P1", *others]
        ),
        # Any edge, backwards and round in rings, too.
        st.sets(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), max_size=20),
    )
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(GRAPHS, st.integers(1, 6), st.sampled_from(list(Direction)), st.booleans())
def test_any_graph_is_walked_as_the_plainest_walk_does(
    graph_database: Database,
    graph: tuple[list[str], set[tuple[int, int]]],
    depth: int,
    direction: Direction,
    sees_all: bool,  # noqa: FBT001 - drawn
):
    proposals, edges = graph
    fill(graph_database, proposals, edges)
    reader = ADMIN if sees_all else ADA
    told = Provenances(database=graph_database).around(reader, DatasetId(name_of(0)), direction, depth)
    expected: dict[int, int] = {}
    is_cut = False
    for up in (True, False):
        if direction in (Direction.BOTH, Direction.UP if up else Direction.DOWN):
            found, more = reached(proposals, edges, depth, up=up, sees_all=sees_all)
            expected = {n: min(d, expected.get(n, d)) for n, d in found.items()} | {
                n: d for n, d in expected.items() if n not in found
            }
            is_cut = is_cut or more
    assert {str(node.dataset): node.distance for node in told.nodes} == {name_of(n): d for n, d in expected.items()}
    assert {(str(e.child), str(e.parent)) for e in told.edges} == {
        (name_of(c), name_of(p)) for c, p in edges if c in expected and p in expected
    }
    assert told.is_cut is is_cut
    assert [node.distance for node in told.nodes] == sorted(node.distance for node in told.nodes)


@pytest.fixture
def empty(database: str) -> Any:
    """An empty database of each kind."""
    made = Database(database)
    made.upgrade()
    yield made
    made.close()


def test_a_thousand_are_told_and_the_rest_is_said_to_be_missing(empty: Database):
    fill(empty, ["P1"] * (MOST_NODES + 200), {(child, 0) for child in range(1, MOST_NODES + 200)})
    told = Provenances(database=empty).around(ADA, DatasetId(name_of(0)), Direction.DOWN, 3)
    assert (len(told.nodes), told.is_cut) == (MOST_NODES, True)
    assert told.nodes[0].dataset == name_of(0)
    fewer = Provenances(database=empty).around(ADA, DatasetId(name_of(5)), Direction.UP, 3)
    assert (len(fewer.nodes), len(fewer.edges), fewer.is_cut) == (2, 1, False)


def test_a_ring_and_a_lattice_of_a_million_ways_end(empty: Database):
    # Twenty layers of three, each made from all of the layer before: 3^20 ways from top to bottom; and a ring over all.
    layers = {(3 * layer + 3 + a, 3 * layer + b) for layer in range(20) for a in range(3) for b in range(3)}
    fill(empty, ["P1"] * 63, layers | {(0, 62)})
    told = Provenances(database=empty).around(ADA, DatasetId(name_of(62)), Direction.UP, 50)
    assert len(told.nodes) == 61
    assert told.is_cut is False
    assert len(told.edges) == 19 * 9 + 3 + 1


def test_a_step_through_what_one_may_not_read_is_not_taken_and_not_hinted_at(empty: Database):
    fill(empty, ["P1", "P2", "P1"], {(0, 1), (1, 2)})
    told = Provenances(database=empty).around(ADA, DatasetId(name_of(0)), Direction.UP, 9)
    assert ([node.name for node in told.nodes], told.edges, told.is_cut) == (["n0"], (), False)
    everything = Provenances(database=empty).around(ADMIN, DatasetId(name_of(0)), Direction.UP, 9)
    assert [node.name for node in everything.nodes] == ["n0", "n1", "n2"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("beamtorch ct 0.3.1", ("beamtorch ct", "0.3.1")),
        ("tomopy v1.14.2", ("tomopy", "1.14.2")),
        ("tomopy==1.14.2", ("tomopy", "1.14.2")),
        ("DIALS/3.8", ("DIALS", "3.8")),
        ("MATLAB", ("MATLAB", None)),
        ("  ", (None, None)),
        (None, (None, None)),
        ("2.0", ("2.0", None)),
    ],
)
def test_software_is_told_apart_from_its_version_where_that_is_clear(said: str | None, expected: Any):
    assert split_version(said) == expected


def test_the_questions_both_ways_through_the_front_door(archive: Any):
    world = archive.world
    raw, flats = archive.add("scan"), archive.add("flats")
    more = {
        "parents": (raw, flats),
        "software": "beamtorch ct 0.3.1",
        "recipe": "/data/recipe.yaml",
        "parameters": {"centre": Quantity(value=1023.625, unit="px")},
    }
    volume = world.client("team").register(world.result("volume", **more)).id
    mask = world.client("team").register(world.result("mask", parents=(volume,))).id
    up = world.client("team").provenance(mask, direction="up")
    assert {node.name: node.distance for node in up.nodes} == {"mask": 0, "volume": 1, "scan": 2, "flats": 2}
    down = world.client("team").provenance(raw, direction="down")
    assert [node.name for node in down.nodes] == ["scan", "volume", "mask"]
    (made,) = [node for node in down.nodes if node.name == "volume"]
    assert (made.software, made.software_version, made.recipe) == ("beamtorch ct", "0.3.1", "/data/recipe.yaml")
    assert made.parameters == {"centre": Quantity(value=1023.625, unit="px")}
    assert made.by == "ada"
    assert world.client("team").provenance(raw, direction="down", depth=1).is_cut is True
    answer = archive.ask("team", "GET", f"datasets/{mask}/provenance", params={"format": "prov", "direction": "up"})
    prov = answer.json()
    assert set(prov["entity"]) == {f"dataset:{name}" for name in (raw, flats, volume, mask)}
    assert prov["activity"][f"making:{volume}"]["bt:parameter-centre"] == "1023.625 px"
    assert prov["prefix"]["dataset"].endswith("/services/catalogue/page/")


def test_each_role_sees_only_its_part(archive: Any):
    world = archive.world
    raw = archive.add("scan")
    archive.add("theirs", "BT-2", parents=(raw,))
    expected = {"nobody": 401, "unlisted": 403, "without scope": 403, "other service": 403}
    expected |= {"stranger": 404, "other team": 404, "team": 200, "staff": 200, "admin": 200, "ingest": 200}
    got = {role: archive.ask(role, "GET", f"datasets/{raw}/provenance").status_code for role in expected}
    assert got == expected
    assert [node.name for node in world.client("team").provenance(raw).nodes] == ["scan"]
    assert [node.name for node in world.client("staff").provenance(raw).nodes] == ["scan"]
    assert [node.name for node in world.client("admin").provenance(raw).nodes] == ["scan", "theirs"]


@pytest.mark.parametrize("params", [{"depth": 0}, {"depth": 51}, {"direction": "sideways"}, {"format": "svg"}])
def test_a_question_that_makes_no_sense_is_refused(archive: Any, params: Any):
    answer = archive.ask("admin", "GET", f"datasets/{archive.add('scan')}/provenance", params=params)
    assert answer.status_code == 422
