"""Writers of one process take turns: nobody is passed over, and who waits for too long is told."""

import threading
import time
from pathlib import Path

import pytest

from beamtorch_catalogue.stores.database import Database, DatabaseUnusableError
from beamtorch_catalogue.stores.turns import NoTurnError, Turns


def test_who_asks_again_at_once_comes_after_all_who_wait():
    turns, came = Turns(30), list[str]()

    def come(name: str) -> None:
        with turns.taken():
            came.append(name)

    waiting = [threading.Thread(target=come, args=(name,)) for name in "abc"]
    with turns.taken():
        for count, one in enumerate(waiting, start=1):
            one.start()
            while len(turns._waiting) < count:
                time.sleep(0.001)
    come("again")
    for one in waiting:
        one.join()
    assert came == ["a", "b", "c", "again"]


def test_who_waits_for_too_long_is_told_and_leaves_the_queue():
    turns = Turns(0.05)
    with turns.taken():
        with pytest.raises(NoTurnError), turns.taken():
            pass
        with pytest.raises(NoTurnError), turns.taken():
            pass
    with turns.taken():
        pass


def test_a_writer_that_never_comes_in_hears_that_the_database_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    store = Database(f"sqlite:///{tmp_path}/catalogue.sqlite")
    monkeypatch.setattr(store, "_turn", Turns(0.05).taken)
    with store.writing(), pytest.raises(DatabaseUnusableError), store.writing():
        pass
    store.close()
