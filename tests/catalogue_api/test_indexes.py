"""No hot query reads a whole table: what the databases say they would do, for every statement that is really sent."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, event, text
from sqlalchemy.orm import Session

from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.query import Range
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.search import Wish
from beamtorch_catalogue.services.strands import InRange
from beamtorch_catalogue.settings import CatalogueSettings
from beamtorch_catalogue.synthetic import Synthetic
from beamtorch_catalogue.wire import DatasetRecord, FileState, Order
from beamtorch_facility import Identity
from beamtorch_facility.clock import SystemClock
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.directory import dump_people
from beamtorch_service.settings import HubSettings

LARGE = (
    *("dataset", "parameter", "file", "full_text", "full_text_words", "document", "change", "dataset_parent"),
    *("file_copy", "attachment"),
)
QUERIES = ("", "bone", "nosuchword", "scan -bone", "energy 12..13 keV", "bone energy 5..40 keV", "file:scan_0000003",
           "technique:tomography", "kind:raw date:2026", "pid:local/aaaa", "id:ds-aaaaaa", "person:user3")  # fmt: skip


def take_in(factory: Factory, described: Iterable[dict[str, Any]]) -> None:
    """Take datasets in as the beamlines' ingestor does."""
    records = [DatasetRecord.model_validate(one) for one in described]
    factory.ingest.bulk(ingestor(), factory.preparing.of(records))


@pytest.fixture
def factory(database: str, tmp_path: Path) -> Iterator[Factory]:
    directory = tmp_path / "directory.yaml"
    person = Identity.model_validate(
        {"username": "ada", "full_name": {"en": "Ada", "zh": "阿达"}, "uid": 2000, "gid": 2000,
         "groups": ["proposal-P00001", "staff-BL02"]}
    )  # fmt: skip
    directory.write_text(dump_people([person]), encoding="utf-8")
    settings = CatalogueSettings(
        hub=HubSettings(service="catalogue", prefix="/c/", api_url="http://hub/", api_token="x", listen_port=1),
        database=database,
        directory=directory,
        data_root=tmp_path / "data",
        public_url="http://portal/",
        cache=tmp_path / "thumbnails",
    )
    made = Factory.build(settings, clock=SystemClock())
    made.database.upgrade()
    synthetic = Synthetic(proposals=12, root=str(tmp_path / "data"))
    made.facility.take_in(ingestor(), synthetic.facility())
    take_in(made, synthetic.datasets(60))
    yield made
    made.database.close()


def ingestor() -> Reader:
    return Reader(name="ingest", identity=None, sees_all=True, may_ingest=True, asked_at=datetime.now(UTC))


def reader(factory: Factory) -> Reader:
    identity = factory.readers._directory.person("ada")
    return Reader(name="ada", identity=identity, sees_all=False, may_ingest=False, asked_at=datetime.now(UTC))


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
    for who in (reader(factory), ingestor()):
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
        factory.attachments.of(reader(factory))
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
