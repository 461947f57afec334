"""A model's next version: documents come along, whatever happens meanwhile, and none is lost."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select

from beamtorch_catalogue.services.documents import Documents
from beamtorch_catalogue.stores.models import Change, DatasetRow, DocumentRow, ParameterRow
from beamtorch_catalogue.testing.laboratory import Laboratory
from beamtorch_catalogue.vocabulary import FacilityVocabulary

PATH = "datasets/{}/models/furnace"
FIRST = {"ramp": {"value": 12.0, "unit": "K/min"}, "atmosphere": "argon", "remarks": "cracked"}
MANY = 90
MIGRATE = """
import sys
from pathlib import Path
from beamtorch_catalogue.services.documents import Documents
from beamtorch_catalogue.services.model_migration import ModelMigration
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.full_text import full_text
from beamtorch_catalogue.vocabulary import FacilityVocabulary
from beamtorch_facility.clock import SystemClock
from beamtorch_identity.opening import open_directory

url, directory, folder = sys.argv[1:]
database = Database(url)
ModelMigration(
    database=database, full_text=full_text(is_sqlite=database.is_sqlite), directory=open_directory(Path(directory)),
    clock=SystemClock(), documents=Documents(FacilityVocabulary.load(Path(folder)).models), batch=4,
).run()
print("done")
"""


def second(laboratory: Laboratory) -> dict[str, Any]:
    """Version 2: the ramp is called rate and written in K/s, the atmosphere is a gas, and there is an operator."""
    told = laboratory.furnace(version=2)
    fields = {one["name"]: one for one in told["fields"]}
    rate = fields["ramp"] | {"name": "rate", "unit": "K/s", "maximum": 4}
    gas = fields["atmosphere"] | {"name": "gas"}
    operator = {"name": "operator", "type": "text", "label": {"en": "Operator", "zh": "操作员"}}
    told["fields"] = [rate, gas, operator, *(fields[name] for name in ("holds", "cycles", "remarks"))]
    told["from_1"] = {
        "rename": {"ramp": "rate", "atmosphere": "gas"},
        "convert": {"rate": {"unit": "K/s"}},
        "default": {"operator": "unknown"},
        "drop": ["quenched", "started"],
    }
    return told


def put(laboratory: Laboratory, dataset: str, document: dict[str, Any]) -> None:
    answer = laboratory.ask("team", "PUT", PATH.format(dataset), json=document)
    assert answer.status_code == 200, answer.text


def card(laboratory: Laboratory) -> dict[str, Any]:
    told: dict[str, Any] = laboratory.ask("admin", "GET", "models").json()[0]
    return told


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.05)


def found(laboratory: Laboratory, q: str) -> int:
    answer = laboratory.ask("team", "GET", "datasets", params={"q": q})
    return int(answer.json()["total"]) if answer.status_code == 200 else -1


def fill(laboratory: Laboratory, count: int) -> None:
    """Put datasets with documents of version 1 into the tables."""
    world = laboratory.world
    world.client("ingest").ingest([world.record(f"scan-{number:03}") for number in range(count)])
    documents = Documents(FacilityVocabulary.load(laboratory.folder).models)
    with laboratory.store.writing() as session:
        for number in session.scalars(select(DatasetRow.number)).all():
            given = {"furnace": FIRST}
            assert documents.check(given) is None
            session.execute(insert(DocumentRow), documents.document_rows(number, given))
            session.execute(insert(ParameterRow), documents.rows(number, given))


def test_documents_come_along_with_a_restart_and_lose_nothing(laboratory: Laboratory):
    with laboratory.started():
        dataset = laboratory.dataset()
        put(laboratory, dataset, {**FIRST, "quenched": True})
        assert found(laboratory, "furnace_ramp 11..13 K/min") == 1
    laboratory.write(second(laboratory))
    with laboratory.started():
        wait_for(lambda: card(laboratory)["documents"] == {"2": 1})
        read = laboratory.ask("team", "GET", PATH.format(dataset))
        assert read.json() == {
            "rate": {"value": 0.2, "unit": "K/s"},
            "gas": "argon",
            "operator": "unknown",
            "remarks": "cracked",
        }
        assert read.headers["etag"] == '"3"'
        assert found(laboratory, "furnace_rate 11..13 K/min") == 1
        assert found(laboratory, "furnace_ramp 11..13 K/min") < 1
        assert found(laboratory, "cracked") == 1
        assert card(laboratory)["problems"] == []
    with laboratory.store.reading() as session:
        change = session.scalars(select(Change).where(Change.action == "model-migrated")).one()
    assert (change.by, change.version, change.beamtime) == ("catalogue", 3, "BT-1")
    before = json.loads(change.before or "")
    assert before["models"]["furnace"] == {**FIRST, "quenched": True}
    assert (before["model_version"], json.loads(change.after or "")["model_version"]) == (1, 2)


def test_starting_again_changes_nothing_more(laboratory: Laboratory):
    fill(laboratory, 3)
    laboratory.write(second(laboratory))
    for _ in range(2):
        with laboratory.started():
            wait_for(lambda: card(laboratory)["documents"] == {"2": 3})
    with laboratory.store.reading() as session:
        assert session.scalar(select(func.count()).select_from(Change).where(Change.action == "model-migrated")) == 3
        assert set(session.scalars(select(DatasetRow.version))) == {2}


def test_a_document_that_cannot_come_along_is_kept_and_said_why(laboratory: Laboratory):
    with laboratory.started():
        good, bad = laboratory.dataset("good"), laboratory.dataset("bad")
        put(laboratory, good, {"ramp": 10})
        put(laboratory, bad, {"ramp": 10, "cycles": 3})
    told = second(laboratory)
    told["fields"] = [one for one in told["fields"] if one["name"] != "cycles"]
    laboratory.write(told)
    with laboratory.started():
        wait_for(lambda: card(laboratory)["documents"] == {"1": 1, "2": 1})
        wait_for(lambda: card(laboratory)["problems"] != [])
        (problem,) = card(laboratory)["problems"]
        assert problem["en"] == "1 not migrated: cycles: Extra inputs are not permitted"
        assert "未转换" in problem["zh"]
        assert laboratory.ask("team", "GET", "models").json()[0]["problems"] == []
        kept = laboratory.ask("team", "GET", PATH.format(bad))
        assert kept.status_code == 409
        assert kept.json()["content"] == {"ramp": {"value": 10.0, "unit": "K/min"}, "cycles": 3}
        assert kept.json()["version"] == 1
        assert "cycles" in kept.json()["detail"]
        put(laboratory, bad, {"rate": 0.1})
        assert card(laboratory)["documents"] == {"2": 2}
    with laboratory.store.reading() as session:
        names = set(session.scalars(select(ParameterRow.name).where(ParameterRow.name.startswith("furnace_"))))
    assert names == {"furnace_rate", "furnace_operator"}


def test_a_document_that_is_still_behind_is_read_in_the_present_version(laboratory: Laboratory):
    laboratory.write(second(laboratory))
    with laboratory.started():
        dataset = laboratory.dataset()
        with laboratory.store.writing() as session:
            number = session.scalars(select(DatasetRow.number)).one()
            session.add(DocumentRow(dataset=number, model="furnace", version=1, content=json.dumps(FIRST)))
        assert laboratory.ask("team", "GET", PATH.format(dataset)).json()["rate"] == {"value": 0.2, "unit": "K/s"}
        with laboratory.store.reading() as session:
            assert session.scalars(select(DocumentRow.version)).all() == [1]


def test_documents_of_a_later_version_are_left_alone(laboratory: Laboratory):
    first = laboratory.furnace()
    laboratory.write(second(laboratory))
    with laboratory.started():
        dataset = laboratory.dataset()
        put(laboratory, dataset, {"rate": 0.2})
    laboratory.write(first)
    with laboratory.started():
        wait_for(lambda: card(laboratory)["problems"] != [])
        assert card(laboratory)["documents"] == {"2": 1}
        assert "later version than 1" in card(laboratory)["problems"][0]["en"]
        assert laboratory.ask("team", "GET", PATH.format(dataset)).status_code == 409


def is_whole(laboratory: Laboratory) -> int:
    """Check that each dataset is of the old version in everything or of the new, and return how many are new."""
    with laboratory.store.reading() as session:
        if session.get_bind().dialect.name == "postgresql":
            # The server may still end what a killed process had asked it for: all that follows has to be of one moment.
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        rows = session.execute(
            select(DatasetRow.id, DatasetRow.number, DatasetRow.version, DocumentRow.version, DocumentRow.content).join(
                DocumentRow, DocumentRow.dataset == DatasetRow.number
            )
        ).all()
        counted = select(Change.subject_id, func.count()).where(Change.action == "model-migrated")
        noted = dict(session.execute(counted.group_by(Change.subject_id)).all())
        parameters: dict[int, set[str]] = {}
        for number, name in session.execute(
            select(ParameterRow.dataset, ParameterRow.name).where(ParameterRow.name.startswith("furnace_"))
        ):
            parameters.setdefault(number, set()).add(name)
    assert len(rows) == MANY
    for name, number, version, document, content in rows:
        assert version == document
        assert noted.get(name, 0) == document - 1
        assert parameters[number] == {f"furnace_{field}" for field in json.loads(content)}
        assert ("rate" if document == 2 else "ramp") in json.loads(content)
    return sum(document == 2 for *_, document, _ in rows)


def migrating(laboratory: Laboratory) -> "subprocess.Popen[str]":
    url = laboratory.store.url.render_as_string(hide_password=False)
    return subprocess.Popen(
        [sys.executable, "-c", MIGRATE, url, str(laboratory.world.directory), str(laboratory.folder)],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_migration_that_is_killed_again_and_again_ends_whole(laboratory: Laboratory):
    fill(laboratory, MANY)
    laboratory.write(second(laboratory))
    by_chance, done = random.Random(6), 0
    for _ in range(4):
        with migrating(laboratory) as process:
            wait_for(lambda done=done, process=process: is_whole(laboratory) > done or process.poll() is not None)
            time.sleep(by_chance.uniform(0, 0.15))
            process.send_signal(signal.SIGKILL)
        now = is_whole(laboratory)
        assert now > done
        done = now
    assert done < MANY
    with migrating(laboratory) as process:
        assert process.communicate(timeout=60)[0] == "done\n"
    assert is_whole(laboratory) == MANY


def test_two_that_migrate_at_once_do_it_once(laboratory: Laboratory):
    fill(laboratory, MANY)
    laboratory.write(second(laboratory))
    with migrating(laboratory) as one, migrating(laboratory) as other:
        assert {one.communicate(timeout=90)[0], other.communicate(timeout=90)[0]} == {"done\n"}
    assert is_whole(laboratory) == MANY


def test_a_process_that_finds_a_gap_between_versions_does_not_start(tmp_path: Path):
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "own.yaml").write_text(
        "model: own\nversion: 3\ntechniques: [CT]\nlabel: {en: Own, zh: 自有}\nfrom_1: {}\n"
        "fields:\n  - {name: depth, type: number, unit: mm, label: {en: Depth, zh: 深度}}\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "beamtorch_catalogue"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "JUPYTERHUB_SERVICE_NAME": "catalogue",
            "JUPYTERHUB_SERVICE_PREFIX": "/services/catalogue/",
            "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:1",
            "JUPYTERHUB_API_URL": "http://127.0.0.1:1/hub/api",
            "JUPYTERHUB_API_TOKEN": "own-secret-token",
            "JUPYTERHUB_BASE_URL": "/",
            "BEAMTORCH_CATALOGUE_DATABASE": f"sqlite:///{tmp_path}/catalogue.sqlite",
            "BEAMTORCH_CATALOGUE_MODELS": str(folder),
            "BEAMTORCH_DIRECTORY": str(tmp_path / "directory.yaml"),
            "BEAMTORCH_DATA_ROOT": str(tmp_path / "data"),
            "BEAMTORCH_PUBLIC_URL": "http://127.0.0.1:1/",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert f"{folder / 'own.yaml'}: line 1, the file: version 3 has no “from_2”" in done.stderr
    assert "Traceback" not in done.stderr
