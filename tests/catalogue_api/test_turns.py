"""Writers of one process take turns: nobody is passed over, and who waits for too long is told."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from beamtorch_catalogue.stores.database import Database, DatabaseUnusableError
from beamtorch_catalogue.stores.turns import NoTurnError, Turns


def test_who_asks_again_at_once_comes_after_all_who_wait(tmp_path: Path):
    store = Database(f"sqlite:///{tmp_path}/catalogue.sqlite")
    came: list[str] = []
    both = threading.Barrier(3)

    def write(name: str) -> None:
        both.wait()
        for _ in range(50):
            with store.writing() as session:
                session.execute(text("SELECT 1"))
                came.append(name)

    writers = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    store.close()
    assert sorted(came) == sorted("abc" * 50)
    # While all three are at it, nobody has two turns before the others had one.
    assert all(len(set(came[at : at + 3])) == 3 for at in range(60, 90))


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
