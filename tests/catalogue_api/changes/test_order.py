"""Whoever reads on from a place misses nothing, whoever writes at the same time."""

import contextlib
import random
import threading
import time
from datetime import UTC, datetime

from sqlalchemy import select, text

from beamtorch_catalogue.services.outbox import Outbox
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.history import Noted, note
from beamtorch_catalogue.stores.models import Change
from beamtorch_facility.clock import SystemClock
from beamtorch_facility.identity import ADMIN_GROUP, Identity, Username
from beamtorch_facility.words import Words

WRITERS, EACH = 8, 25


def everything() -> Reader:
    person = Identity(
        username=Username("root"), full_name=Words(en="Rita", zh="丽"), uid=2000, gid=2000, groups=(ADMIN_GROUP,)
    )
    return Reader(name="root", identity=person, sees_all=True, may_ingest=True, asked_at=datetime.now(UTC))


def write(database: Database, writer: int) -> None:
    chance = random.Random(writer)
    # Between the number and the commit: here another writer would overtake, where the database lets it.
    pause = 0.002 if database.is_sqlite else 0.05
    for step in range(EACH):
        with contextlib.suppress(InterruptedError), database.writing() as session:
            noted = [Noted(subject="dataset", subject_id=f"w{writer}", action="updated", version=step)]
            noted += [Noted(subject="dataset", subject_id=f"w{writer}b", action="updated", version=step)]
            note(session, noted, by="ada", at=datetime.now(UTC))
            time.sleep(chance.random() * pause)
            if chance.random() < 0.2:
                raise InterruptedError


def test_a_reader_by_place_hears_every_committed_change_once_in_order(database: str):
    store = Database(database)
    store.upgrade()
    outbox, reader = Outbox(database=store, clock=SystemClock()), everything()
    writers = [threading.Thread(target=write, args=(store, number)) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    heard, place = [], 0
    while any(writer.is_alive() for writer in writers) or place < outbox.newest():
        news = outbox.since(reader, place, limit=500)
        heard += news.events
        place = news.upto
    with store.reading() as session:
        committed = session.scalars(select(Change.number).order_by(Change.number)).all()
    store.close()
    assert [event.id for event in heard] == committed
    assert len(committed) > WRITERS * EACH
    for subject in {event.subject_id for event in heard}:
        versions = [event.version for event in heard if event.subject_id == subject]
        assert versions == sorted(set(versions))


def test_no_number_is_given_twice_even_after_history_was_forgotten(database: str):
    store = Database(database)
    store.upgrade()
    outbox = Outbox(database=store, clock=SystemClock())
    write(store, 1)
    last = outbox.newest()
    with store.writing() as session:
        session.execute(text("DELETE FROM change"))
    write(store, 2)
    with store.reading() as session:
        assert (session.scalar(select(Change.number).order_by(Change.number)) or 0) > last
    store.close()
