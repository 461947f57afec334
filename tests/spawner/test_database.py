"""The tables that migrations make, and two starts at the same moment."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event, insert, select, text
from sqlalchemy.exc import IntegrityError

from beamtorch_facility.clock import SystemClock
from beamtorch_facility.directory import YamlDirectory, dump_people
from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.words import Words
from beamtorch_spawner.environments import DEFAULT_ENVIRONMENTS
from beamtorch_spawner.policy_file import Policy
from beamtorch_spawner.services.admissions import Admissions, LeaseNotGrantedError
from beamtorch_spawner.services.asking import Starts
from beamtorch_spawner.services.claims import NoTerminals
from beamtorch_spawner.services.grants import Facts
from beamtorch_spawner.stores.audit import AuditSought
from beamtorch_spawner.stores.database import RESTED_SECONDS, Database, DatabaseUnusableError, Stores
from beamtorch_spawner.stores.tables import AuditRow, Base, LeaseRow
from beamtorch_spawner.wire import AdmissionRequest, LeaseState


@pytest.fixture
def admission(database, tmp_path):
    people = tmp_path / "directory.yaml"
    okafor = Identity(username=Username("okafor"), full_name=Words(en="Ada", zh="阿达"), uid=50002, gid=50002)
    people.write_text(dump_people([okafor]))
    return Admissions(
        database=database,
        starts=Starts(directory=YamlDirectory(people), environments=DEFAULT_ENVIRONMENTS, policy=Policy),
        facts=Facts(public_url="http://127.0.0.1/", data_root=Path("/d"), homes=Path("/h")),
        clock=SystemClock(),
        secret="made-up",
        terminals=NoTerminals(),
    )


def test_the_migrations_make_the_tables_of_the_code(database):
    with database.session() as session:
        context = MigrationContext.configure(session.connection())
        assert compare_metadata(context, Base.metadata) == []


def test_upgrading_twice_changes_nothing(database):
    database.upgrade()


@pytest.mark.postgres
def test_connections_that_the_database_dropped_while_nobody_asked_are_replaced_unseen(new_postgres_database):
    url = new_postgres_database()
    database = Database(url)
    database.upgrade()
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    time.sleep(RESTED_SECONDS)
    with database.reading() as stores:
        assert stores.leases.held() == ()
    database.close()


LOOKS = {
    "what is held": lambda leases, _: leases.held(),
    "the active ones": lambda leases, _: leases.active(),
    "who holds a server": lambda leases, _: leases.holder("u5", ""),
    "who waits": lambda leases, _: leases.waiting(),
    "who waits for one": lambda leases, _: leases.waiting_for("0"),
    "what is reserved": lambda leases, _: leases.reserved(),
    "what is due": lambda leases, at: leases.due(unheard_since=at, stopping_since=at, ends_before=at),
    "whether anybody waits": lambda leases, _: leases.is_any_awaited(),
    "who is at a terminal": lambda leases, _: leases.at_terminal("10.0.0.1"),
}


@pytest.mark.parametrize("look", LOOKS)
def test_the_leases_of_past_years_are_not_read_at_every_look(database, look):
    at = datetime.now(UTC)
    row = {"server": "", "user_options": {}, "requested_at": at, "changed_at": at}
    old = [{**row, "id": f"{n}", "username": f"u{n}", "state": "running" if n < 5 else "ended"} for n in range(3000)]
    with database.transaction() as stores:
        stores.session.execute(insert(LeaseRow), old)
        stores.session.execute(text("ANALYZE"))
    sent = []
    with database.session() as session:
        connection = session.connection()
        event.listen(
            connection, "before_cursor_execute", lambda _c, _cursor, statement, told, *_: sent.append((statement, told))
        )
        LOOKS[look](Stores(session).leases, at)
        [(statement, told)] = sent
        explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
        plan = "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {statement}", told))
    assert re.search(r"active_leases|one_active_lease|one_lease_|leases_awaiting", plan), plan


@pytest.mark.parametrize("door", [Database.transaction, Database.admitting])
def test_a_server_has_one_active_lease_whatever_the_code_does(database, door):
    row = {"username": "okafor", "server": "", "user_options": {}, "source_ip": None, "at": datetime.now(UTC)}

    def add_two():
        with door(database) as stores:
            stores.leases.add(**row, state=LeaseState.RUNNING)
            stores.leases.add(**row, state=LeaseState.ADMITTED)

    for _ in range(3):
        with pytest.raises(IntegrityError):
            add_two()
    with door(database) as stores:
        assert stores.leases.held() == ()


@pytest.mark.postgres
def test_a_database_that_goes_away_while_an_admission_is_sent_is_told_and_the_next_one_goes_on(new_postgres_database):
    url = new_postgres_database()
    database = Database(url)
    database.upgrade()
    words = Words(en="x", zh="x")

    def cut():
        with database.admitting() as stores:
            assert stores.leases.held() == ()
            with psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
            stores.audit.of_facility("cut", actor="a", at=datetime.now(UTC), detail=words)

    with pytest.raises(DatabaseUnusableError):
        cut()
    with database.admitting() as stores:
        assert stores.audit.sought(AuditSought()) == []
    database.close()


def test_of_many_starts_at_the_same_moment_each_gets_an_answer_and_one_lease_stays(database, admission):
    request = AdmissionRequest(username="okafor", user_options={"environment": "lab"})

    def ask(_):
        try:
            return admission.admit(request, actor="torch").grant is not None
        except LeaseNotGrantedError as superseded:
            return "started the server again" in superseded.detail.en

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(24)))
    with database.reading() as stores:
        assert len(stores.leases.newest(username="okafor", active=True, limit=100)) == 1
        assert len(stores.leases.newest(username="okafor", active=False, limit=100)) == 24


def test_a_superseded_start_is_in_the_audit_of_both_leases(database, admission):
    request = AdmissionRequest(username="okafor", user_options={"environment": "lab"})
    lost, kept = (admission.admit(request, actor="torch").lease for _ in range(2))
    with database.session() as session:
        rows = session.execute(select(AuditRow.lease, AuditRow.action, AuditRow.actor).order_by(AuditRow.id)).all()
    assert [tuple(row) for row in rows] == [
        (lost, "admitted", "torch"),
        (lost, "failed", "torch"),
        (kept, "admitted", "torch"),
        (kept, "supersedes", "torch"),
    ]


def test_moments_come_back_in_utc(database):
    at = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    with database.transaction() as stores:
        row = stores.leases.add(
            username="o", server="", user_options={}, source_ip=None, state=LeaseState.REQUESTED, at=at
        )
    with database.transaction() as stores:
        found = stores.leases.find(row.id)
        assert found is not None
        assert found.requested_at == at
