"""No hot query reads a whole table: what the databases say they would do, for every statement that is really sent."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, event, text
from sqlalchemy.orm import Session

from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.query import Range
from beamtorch_catalogue.services.search import Wish
from beamtorch_catalogue.services.strands import InRange
from beamtorch_catalogue.synthetic import Synthetic
from beamtorch_catalogue.testing.inside import ada, ingestor, synthetic_catalogue, take_in
from beamtorch_catalogue.wire import FileState, Order
from beamtorch_facility.dataset import DatasetId

LARGE = (
    *("dataset", "parameter", "file", "full_text", "full_text_words", "document", "change", "dataset_parent"),
    *("file_copy", "attachment"),
)
QUERIES = ("", "bone", "nosuchword", "scan -bone", "energy 12..13 keV", "bone energy 5..40 keV", "file:scan_0000003",
           "technique:tomography", "kind:raw date:2026", "pid:local/aaaa", "id:ds-aaaaaa", "person:user3")  # fmt: skip


@pytest.fixture
def factory(database: str, tmp_path: Path) -> Iterator[Factory]:
    with synthetic_catalogue(database, tmp_path, 60) as made:
        yield made


@contextmanager
def overheard(factory: Factory) -> Iterator[list[tuple[str, object]]]:
    """Collect the statements that are sent meanwhile."""
    sent: list[tuple[str, object]] = []

    def hear(connection, cursor, statement, parameters, context, many):  # noqa: ARG001, PLR0917 - the event's signature
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            sent.append((statement, parameters))

    engines = {factory.database._engine, factory.database._writing_engine}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", hear)
    yield sent
    for engine in engines:
        event.remove(engine, "before_cursor_execute", hear)


def whole_tables(factory: Factory, sent: list[tuple[str, object]]) -> list[str]:
    """Return the large tables that a statement would read from one end to the other, each with the statement."""
    found = []
    with factory.database.reading() as session:
        connection = session.connection()
        if not factory.database.is_sqlite:
            # Of sixty rows any table is read whole; with this it is only where no index would do.
            session.execute(text("SET LOCAL enable_seqscan = off"))
        for statement, parameters in sent:
            explain = "EXPLAIN QUERY PLAN " if factory.database.is_sqlite else "EXPLAIN "
            plan = [row[-1] for row in connection.exec_driver_sql(explain + statement, parameters)]
            pattern = r"SCAN (\w+)(?! USING| VIRTUAL)" if factory.database.is_sqlite else r"Seq Scan on (\w+)"
            tables = {match for line in plan for match in re.findall(pattern, line)}
            found += [f"{table}: {statement}\n{chr(10).join(plan)}" for table in tables & set(LARGE)]
    return found


@pytest.mark.parametrize("q", QUERIES)
def test_a_search_reads_no_table_whole(factory: Factory, q: str):
    for who in (ada(), ingestor()):
        with overheard(factory) as sent:
            for order in Order:
                factory.search.page(who, Wish(q=q, order=order))
            factory.search.count(who, Wish(q=q))
            factory.search.facets(who, Wish(q=q, filters={"beamline": ["BL02"], "year": ["2026"]}))
        assert sent
        assert whole_tables(factory, sent) == []


def test_neither_does_a_page_of_a_dataset_its_files_or_an_ingest(factory: Factory, tmp_path: Path):
    (found,) = factory.search.page(ingestor(), Wish(limit=1)).datasets
    synthetic = Synthetic(proposals=12, root=str(tmp_path / "data"))
    with overheard(factory) as sent:
        dataset = factory.datasets.dataset(ingestor(), DatasetId(found.id))
        factory.datasets.files(ingestor(), DatasetId(found.id), None, 5)
        factory.datasets.file(ingestor(), DatasetId(found.id), "x.h5")
        factory.attachments.of(ada())
        factory.known_files.page(ingestor(), str(tmp_path / "data" / "BL01"), None)
        factory.known_files.report(
            ingestor(), [FileState(dataset=dataset.id, path=dataset.files[0].path, state="missing")]
        )
        take_in(factory, synthetic.datasets(10, 55))
    assert whole_tables(factory, sent) == []


def test_a_range_is_gone_through_by_the_index_and_only_between_its_ends(factory: Factory):
    wanted = Range(name="energy", dimension="[length]^2 [mass] [time]^-2", low=1.9e-15, high=2.1e-15, text="")
    with factory.database.reading() as session:
        numbers = InRange.of(wanted).numbers()
        if factory.database.is_sqlite:
            plan = session.execute(text("EXPLAIN QUERY PLAN " + _written(numbers, session))).all()
            assert any("ix_parameter_by_block (name=? AND dimension=? AND <expr>=? AND si>? AND si<?)" in row[-1]
                       for row in plan), plan  # fmt: skip
        else:
            session.execute(text("SET LOCAL enable_seqscan = off"))
            session.execute(text("SET LOCAL enable_bitmapscan = off"))
            plan = [row[0] for row in session.execute(text("EXPLAIN " + _written(numbers, session)))]
            (condition,) = [line for line in plan if "Index Cond" in line and "name" in line]
            # Of sixty rows it does not ask block by block; of thousands it does.
            assert "dimension =" in condition, plan
            assert "si >=" in condition, plan
            assert "si <=" in condition, plan


def _written(query: Select[Any], session: Session) -> str:
    return str(query.compile(session.get_bind(), compile_kwargs={"literal_binds": True}))
