"""Tables: their history with data in them, and that models and migrations say the same."""

import json
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from beamtorch_catalogue.openapi import document
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.full_text import full_text, phrase, tokens
from beamtorch_catalogue.stores.models import Base

COMMITTED = Path(__file__).parents[2] / "docs" / "reference" / "catalogue-openapi.json"


def test_migrations_go_up_and_down_with_data(database: str):
    store = Database(database)
    store.upgrade()
    store.upgrade()
    with store.writing() as session:
        session.execute(text("INSERT INTO facility (number, name_en, name_zh) VALUES (1, 'a', '甲')"))
        session.execute(text("INSERT INTO instrument VALUES ('BL1', 'a', '甲', 't')"))
        session.execute(text("INSERT INTO proposal VALUES ('P1', 'a', '甲', 'ada')"))
        session.execute(text("INSERT INTO beamtime VALUES ('B1', 'P1', 'BL1', '2026-01-01', '2026-01-02')"))
    store.downgrade("base")
    store.upgrade()
    with store.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM facility")) == 0
    store.close()


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


def test_chinese_is_cut_into_pairs_and_latin_is_folded():
    assert tokens("人类臼齿") == ["人类", "类臼", "臼齿", "齿"]
    assert tokens("Café_0417-K11.NXS ＡＢ") == ["cafe", "0417", "k11", "nxs", "ab"]
    assert phrase("臼齿") == ["臼齿"]
    assert phrase("齿") == ["齿"]
    assert full_text(is_sqlite=True).matches(["***"]) is None


def test_the_committed_openapi_document_is_fresh():
    written = json.dumps(document(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    assert COMMITTED.read_text(encoding="utf-8") == written, (
        "run: python -m beamtorch_catalogue.openapi > docs/reference/catalogue-openapi.json"
    )
