"""Where users are separated, the catalogue is a user of its own who can read nobody's data, and the reader reads."""

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from beamtorch_catalogue.client import CatalogueClient
from beamtorch_catalogue.tasks import OPTIONS
from beamtorch_catalogue.testing.fake_hub import fake_hub
from beamtorch_catalogue.testing.world import facility_records, write_people
from beamtorch_catalogue.wire import DatasetRecord, FileRecord
from beamtorch_facility.dataset import DatasetKind
from beamtorch_facility.proposal import BeamtimeId
from beamtorch_hub.errors import SettingsUnreadableError
from beamtorch_hub.home import PlatformHome
from beamtorch_hub.platform.catalogue_place import settle
from beamtorch_hub.platform.children import Child, ChildSpec, loopback_client
from beamtorch_hub.platform.roster import TASKS, roster
from beamtorch_hub.platform.separation import Separation
from beamtorch_hub.settings import PlatformSettings, prepare
from beamtorch_identity.reader.testing import as_somebody

ADA = 2000
SEPARATED = Separation(is_on=True)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def open_home() -> Iterator[PlatformHome]:
    """A home that other users may pass through, which pytest's folder does not let them."""
    with tempfile.TemporaryDirectory(prefix="apart-") as name:
        Path(name).chmod(0o755)
        made = PlatformHome(Path(name) / "home")
        made.make()
        write_people(made.directory)
        yield made


def specs_of(settings: PlatformSettings) -> dict[str, ChildSpec]:
    return {spec.name: spec for spec in roster(settings, os.environ)}


def test_the_catalogue_is_a_user_of_its_own_and_the_only_one_who_may_ask(home):
    specs = specs_of(prepare(home, 8000, separation=SEPARATED))
    catalogue, reader = specs["catalogue"], specs["reader"]
    became = catalogue.command[: catalogue.command.index("--")]
    assert became[became.index("--uid") + 1] == became[became.index("--gid") + 1] == "64999"
    assert "--group" not in became
    assert not {str(home.data), str(home.root), str(home.state), str(home.secrets)} & set(became)
    assert catalogue.environment["BEAMTORCH_READER"] == str(home.reader)
    assert reader.command[reader.command.index("--service-uid") + 1] == "64999"
    assert "--own-rights" not in reader.command
    assert reader.health_url == f"unix:{home.reader}"
    assert "JUPYTERHUB_API_TOKEN" not in reader.environment
    assert list(specs).index("reader") < list(specs).index("catalogue")


def test_without_other_users_numbers_everything_is_one_user_s(home):
    specs = specs_of(prepare(home, 8000))
    assert specs["catalogue"].command == (sys.executable, "-m", "beamtorch_catalogue")
    assert "--own-rights" in specs["reader"].command
    assert "--service-uid" not in specs["reader"].command


def test_the_reader_is_told_the_catalogue_s_own_tasks():
    assert set(TASKS) == set(OPTIONS)


def test_a_database_of_an_older_platform_moves_with_its_journal(home):
    write_people(home.directory)
    for name in ("catalogue.sqlite", "catalogue.sqlite-wal"):
        (home.state / name).write_text(name)
    (home.state / "thumbnails").mkdir()
    (home.state / "thumbnails" / "a.png").write_text("png")
    settings = prepare(home, 8000)
    for _ in range(2):
        settle(settings)
        assert (home.catalogue / "catalogue.sqlite").read_text() == "catalogue.sqlite"
        assert (home.catalogue / "catalogue.sqlite-wal").exists()
        assert (home.catalogue / "thumbnails" / "a.png").exists()
        assert not list(home.state.glob("catalogue*"))
    assert stat.S_IMODE(home.catalogue.stat().st_mode) == 0o700


@as_root
def test_the_folder_goes_to_whom_the_catalogue_runs_as_and_back(home):
    write_people(home.directory)
    (home.state / "catalogue.sqlite").write_text("")
    for separation, uid in ((SEPARATED, 64999), (Separation(), 0), (SEPARATED, 64999)):
        settle(prepare(home, 8000, separation=separation))
        assert {path.stat().st_uid for path in (home.catalogue, *home.catalogue.iterdir())} == {uid}


def test_a_number_that_is_somebody_s_is_refused(home):
    write_people(home.directory)
    home.settings.write_text(f"service_uid: {ADA}\n")
    with pytest.raises(SettingsUnreadableError) as error:
        settle(prepare(home, 8000, separation=SEPARATED))
    assert "ada's in the directory" in error.value.detail.en
    for number in (0, 65534):
        home.settings.write_text(f"service_uid: {number}\n")
        with pytest.raises(SettingsUnreadableError):
            prepare(home, 8000)


@as_root
@pytest.mark.parametrize("place", ["open_home", "home"], ids=["open", "closed to others"])
def test_the_catalogue_itself_reads_nothing_and_its_people_read_their_own(place: str, request, eventually):
    place_of: PlatformHome = request.getfixturevalue(place)
    write_people(place_of.directory)
    path = place_of.data / "BL1/202610/Data/BT-1/raw/tooth/tooth.h5"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"of ada")
    path.chmod(0o600)
    subprocess.run(["setfacl", "-m", f"u:{ADA}:r", str(path)], check=True)
    settings = prepare(place_of, 8000, separation=SEPARATED)
    settle(settings)
    specs = specs_of(settings)
    with ExitStack() as stack:
        hub = stack.enter_context(fake_hub())
        children = []
        for name in ("reader", "catalogue"):
            spec = replace(specs[name], environment={**specs[name].environment, "JUPYTERHUB_API_URL": hub.api_url})
            children.append(Child(spec, place_of.logs / f"{name}.log"))
            stack.callback(children[-1].wait, 10)
            stack.callback(children[-1].ask_to_end)
            children[-1].start()
        client = stack.enter_context(loopback_client())
        for child in children:
            eventually(lambda child=child: child.probe(client) or child.poll() is not None, 60)
            assert child.poll() is None, child.last_lines(40)
        status = Path(f"/proc/{children[1].pid}/status").read_text()
        numbers = "\t64999" * 4
        assert all(line in status for line in (f"Uid:{numbers}", f"Gid:{numbers}", "CapBnd:\t0000000000000000"))

        url = f"http://127.0.0.1:{settings.ports.catalogue}/services/catalogue/"
        ingestor = stack.enter_context(CatalogueClient(url, hub.service("ingest")))
        ingestor.import_facility(facility_records())
        record = DatasetRecord(
            source_id="tooth",
            name="tooth",
            kind=DatasetKind.RAW,
            beamtime=BeamtimeId("BT-1"),
            files=(FileRecord(path=str(path), size=6),),
        )
        (done,) = ingestor.ingest([record])
        answers = {}
        for name in ("ada", "sam"):
            headers = {"Authorization": f"token {hub.user(name)}"}
            address = f"{url}datasets/{done.dataset}/files/tooth.h5"
            answers[name] = httpx.get(address, headers=headers, trust_env=False)
    assert answers["ada"].content == b"of ada"
    assert answers["sam"].json()["type"] == "urn:beamtorch:problem:file-not-readable"
    for closed in (path, place_of.tokens, place_of.cookie_secret, place_of.state, place_of.logs):
        said = as_somebody(64999, lambda closed=closed: str(closed.stat() and open(closed, "rb").read()))  # noqa: PTH123, SIM115
        assert said.startswith("PermissionError"), closed
