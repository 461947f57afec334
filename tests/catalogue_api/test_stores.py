"""Tables: their history with data in them, and that models and migrations say the same."""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import BigInteger, create_engine, literal, not_, select, text
from sqlalchemy.orm import Session

from beamtorch_catalogue.openapi import document
from beamtorch_catalogue.services.prepared import dataset_id
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.full_text import full_text
from beamtorch_catalogue.stores.models import Base, CensusRow, DatasetRow
from beamtorch_catalogue.stores.names import one_of
from beamtorch_catalogue.stores.places import NEVER, day, place, year
from beamtorch_catalogue.stores.words import is_open, phrase, tokens
from beamtorch_catalogue.testing.world import World
from beamtorch_catalogue.wire import DatasetRecord, Order

COMMITTED = Path(__file__).parents[2] / "docs" / "reference" / "catalogue-openapi.json"


FIRST_DATA = """
INSERT INTO facility (number, name_en, name_zh) VALUES (1, 'a', '甲');
INSERT INTO instrument (beamline, name_en, name_zh, technique) VALUES ('BL1', 'a', '甲', 't');
INSERT INTO proposal (proposal, title_en, title_zh, principal_investigator) VALUES ('P1', 'a', '甲', 'ada');
INSERT INTO beamtime (beamtime, proposal, beamline, start, "end")
 VALUES ('B1', 'P1', 'BL1', '2026-01-01', '2026-01-02');
INSERT INTO dataset (number, id, source_id, name, kind, beamtime, technique, listed_at, changed_at, folder, size,
 file_count, registered_by, state, fingerprint) VALUES (7, 'ds-aaaaaa', '/a', 'older', 'raw', 'B1', 'tomography',
 '2026-01-01 10:00:00.000000', '2026-01-01 10:00:00.000000', '/', 100, 1, 'ingest', 'complete', '');
INSERT INTO dataset (number, id, source_id, name, kind, beamtime, technique, listed_at, changed_at, folder, size,
 file_count, registered_by, state, fingerprint) VALUES (3, 'ds-bbbbbb', '/b', 'newer', 'raw', 'B1', 'tomography',
 '2026-01-02 10:00:00.000000', '2026-01-01 10:00:00.000000', '/', 50, 1, 'ingest', 'complete', '');
INSERT INTO file (dataset, position, path, size, format, state) VALUES (7, 0, '/a/f.h5', 100, 'HDF5', 'complete');
INSERT INTO parameter (dataset, name, value, unit) VALUES (7, 'energy', 12.5, 'keV');
INSERT INTO attachment (username, dataset, path, attached_at) VALUES ('ada', 7, '~/datasets/a', '2026-01-03 10:00:00');
"""


def test_of_a_common_and_a_rare_word_together_sqlite_loses_no_hit_from_either_end(tmp_path: Path):
    store = Database(f"sqlite:///{tmp_path}/catalogue.sqlite")
    store.upgrade()
    engine, chance, begin = full_text(is_sqlite=True), random.Random(1), datetime(2019, 1, 1, tzinfo=UTC)
    rare, numbers = set[int](), range(1, 20_001)
    for start in range(0, len(numbers), 500):
        texts = {}
        for number in numbers[start : start + 500]:
            # What one beamtime measured lies together, and far from what the next one did.
            series = random.Random(number // 25)
            at = begin + timedelta(days=series.randrange(2800), seconds=chance.randrange(4 * 86400))
            is_rare = series.randrange(13) == 0
            texts[place(at, number)] = "nickel operando" if is_rare else "operando"
            rare |= {place(at, number)} if is_rare else set()
        with store.writing() as session:
            engine.put(session, texts)
    with store.reading() as session:
        for order in Order:
            sought = engine.sought(session, ["operando", "nickel"], order=order)
            assert sought is not None
            hits = engine.hits(sought)
            is_down = order is Order.NEWEST
            found = session.scalars(select(hits.c.place).order_by(hits.c.down if is_down else hits.c.down.desc())).all()
            assert found == sorted(rare, reverse=is_down), order
    store.close()


def test_migrations_go_up_and_down_with_data(database: str):
    store = Database(database)
    store.upgrade("0001")
    column = "rowid" if store.is_sqlite else "dataset"
    with store.writing() as session:
        for statement in filter(str.strip, FIRST_DATA.split(";")):
            session.execute(text(statement))
        for number, word in ((7, "older"), (3, "newer")):
            session.execute(text(f"INSERT INTO full_text ({column}, words) VALUES ({number}, '{word}')"))
    store.upgrade()
    store.upgrade()
    with store.reading() as session:
        rows = session.scalars(select(DatasetRow).order_by(DatasetRow.place.desc())).all()
        assert [(row.name, row.pid, row.proposal, row.beamline, row.version) for row in rows] == [
            ("newer", "local/bbbbbb", "P1", "BL1", 1),
            ("older", "local/aaaaaa", "P1", "BL1", 1),
        ]
        assert [(row.place, row.released_at) for row in rows] == [(place(r.listed_at, r.number), NEVER) for r in rows]
        (counted,) = session.scalars(select(CensusRow))
        assert (counted.beamtime, counted.year, counted.datasets, counted.size) == ("B1", 2026, 2, 150)
        named = {source: dataset_id(record_of("B1", source)) for source in ("/b", "/a")}
        assert [(row.source_id, row.id) for row in rows] == list(named.items())
        for word in ("older", named["/a"].removeprefix("ds-")):
            assert found_by(store, session, word) == ["older"]
        beginning = "(('older'))" if not store.is_sqlite else '("older")'
        assert full_text(is_sqlite=store.is_sqlite).sought(session, ["old"]) == beginning
    store.downgrade("0001")
    with store.reading() as session:
        assert session.execute(text("SELECT number, name FROM dataset ORDER BY number")).all() == [
            (3, "newer"),
            (7, "older"),
        ]
        for table in ("file", "parameter", "attachment", "full_text"):
            assert session.scalar(text(f"SELECT count(*) FROM {table}")) == (2 if table == "full_text" else 1)
        assert session.scalars(text(f"SELECT {column} FROM full_text ORDER BY 1")).all() == [3, 7]
    store.downgrade("base")
    store.upgrade()
    with store.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM facility")) == 0
    store.close()


def record_of(beamtime: str, source: str) -> DatasetRecord:
    said = {
        "source_id": source,
        "name": "a",
        "kind": "raw",
        "beamtime": beamtime,
        "files": [{"path": source, "size": 1}],
    }
    return DatasetRecord.model_validate(said)


def test_datasets_of_one_beamtime_have_names_that_begin_alike_and_no_two_the_same():
    names = [[dataset_id(record_of(of, f"/data/{n}")) for n in range(1000)] for of in ("B1", "B2")]
    assert len({name for some in names for name in some}) == 2000
    ours, theirs = ({name[:7] for name in some} for some in names)
    assert len(ours) == len(theirs) == 1
    assert ours != theirs


def found_by(store: Database, session: Session, word: str) -> list[str]:
    engine = full_text(is_sqlite=store.is_sqlite)
    sought = engine.sought(session, [word])
    assert sought is not None
    places = select(engine.hits(sought).c.place)
    return sorted(session.scalars(select(DatasetRow.name).where(DatasetRow.place.in_(places))))


@pytest.mark.parametrize(
    ("word", "without"),
    [("scan", ""), ("sca", ""), ("scanner", ""), ("number", ""), ("number-1", ""), ("bone number", ""), ("钛", ""),
     ("bone num", ""), ("bone scan", ""), ("scan", "number"), ("number", "scann"), ("nothing", ""),
     ("number", "number")],
)  # fmt: skip
def test_a_beginning_finds_all_that_begin_so_however_many_words_do(world: World, word: str, without: str):
    names = ["bone scan", "scanner", "scan", "bone scandium", "ascan", "钛合金", "钛", "number 17", "scan number5",
             *(f"number{n}" for n in range(60)), *(f"bone number{n}" for n in range(60, 90))]  # fmt: skip
    world.client("ingest").ingest(
        [world.record(name.replace(" ", "-")).model_copy(update={"name": name}) for name in names]
    )
    wanted = [name for name in names if begins(name, word) and not (without and begins(name, without))]
    found = world.client("team").search(f'"{word}"' + (f' -"{without}"' if without else ""), limit=200)
    assert sorted(dataset.name for dataset in found.datasets) == sorted(wanted)


def test_a_word_that_begins_as_one_that_was_sought_is_found_as_soon_as_it_is_written(world: World):
    for count, name in enumerate(("vanadium", "vanadate", "vanadyl7", "vanadocene"), start=1):
        world.client("ingest").ingest([world.record(name)])
        assert world.client("team").search("vanad").total == count
        assert world.client("team").search("vanad").total == count


def begins(name: str, word: str) -> bool:
    """Tell whether a word, or several in a row, the last one perhaps not whole, stands in a name."""
    sought = phrase(word)
    return f" {' '.join(sought)}{'' if is_open(sought) else ' '}" in f" {' '.join(tokens(name))} "


# SQLAlchemy cannot read indexes of expressions back from SQLite; ours is compared below.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index ix_parameter_by_block")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
def test_models_and_migrations_make_the_same_tables(database: str):
    store = Database(database)
    store.upgrade()
    store.close()
    engine = create_engine(database)
    with engine.connect() as connection:

        def ours(thing: object, name: str | None, kind: str, *_: object) -> bool:  # noqa: ARG001
            return kind != "table" or not (name or "").startswith(("full_text", "alembic"))

        context = MigrationContext.configure(connection, opts={"include_object": ours, "compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        if engine.dialect.name == "sqlite":
            by_block = "SELECT sql FROM sqlite_master WHERE name = 'ix_parameter_by_block'"
            migrated = connection.exec_driver_sql(by_block).scalar()
            Base.metadata.create_all(empty := create_engine("sqlite://"))
            assert migrated == empty.connect().exec_driver_sql(by_block).scalar()
    engine.dispose()


def test_a_writer_that_fails_leaves_nothing(database: str):
    store = Database(database)
    store.upgrade()

    def fail() -> None:
        with store.writing() as session:
            session.execute(text("INSERT INTO facility (number, name_en, name_zh) VALUES (1, 'a', 'b')"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with store.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM facility")) == 0
    store.close()


def test_the_year_of_a_place_is_that_of_its_moment_in_both_databases(database: str):
    store = Database(database)
    years = {
        datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC): 1999,
        datetime(2000, 1, 1, tzinfo=UTC): 2000,
        datetime(1950, 3, 1, 12, tzinfo=UTC): 1950,
        datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC): 2026,
        datetime(2067, 12, 31, tzinfo=UTC): 2067,
    }
    with store.reading() as session:
        for moment, expected in years.items():
            found = session.scalar(select(day(literal(place(moment, 123_456_789), BigInteger()))))
            assert found is not None
            assert year(found) == expected
    store.close()


@pytest.mark.parametrize(
    ("names", "expected"),
    [([], False), (["P1"], True), (["P2"], False), (['x"', "P1", "o'x"], True), ([f"P{n}" for n in range(1000)], True)],
)
def test_a_column_is_one_of_some_names_and_of_no_names_never(database: str, names: list[str], expected):
    store = Database(database)
    with store.reading() as session:
        assert bool(session.scalar(select(one_of(literal("P1"), names)))) is expected
        assert bool(session.scalar(select(not_(one_of(literal("P1"), names))))) is not expected
    store.close()


def test_chinese_is_cut_into_pairs_and_latin_is_folded():
    assert tokens("人类臼齿") == ["人类", "类臼", "臼齿", "齿"]
    assert tokens("Café_0417-K11.NXS ＡＢ") == ["cafe", "0417", "k11", "nxs", "ab"]
    assert phrase("臼齿") == ["臼齿"]
    assert phrase("齿") == ["齿"]
    assert phrase("***") == []


def test_the_committed_openapi_document_is_fresh():
    written = json.dumps(document(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    assert COMMITTED.read_text(encoding="utf-8") == written, (
        "run: python -m beamtorch_catalogue.openapi > docs/reference/catalogue-openapi.json"
    )
