"""Taking data in: from real folders by the command's own path, and by the API."""

import shutil
from pathlib import Path

import h5py
import httpx
import pytest

from beamtorch_catalogue.client import CatalogueRefusedError
from beamtorch_catalogue.ingesting import ingest
from beamtorch_catalogue.testing.world import World, facility_records
from beamtorch_catalogue.wire import DatasetState, FileRecord
from beamtorch_facility import DatasetKind, Quantity


def test_ingesting_twice_changes_nothing_and_a_changed_sidecar_updates(world: World):
    folder = world.scan("tooth")
    world.scan("jaw", energy="24 keV")
    client, root = world.client("ingest"), world.layout.root
    first, second = ingest(client, world.layout, [root]), ingest(client, world.layout, [root])
    assert (first.created, first.updated, first.unchanged) == (2, 0, 0)
    assert (second.created, second.updated, second.unchanged) == (0, 0, 2)
    (folder / "dataset.yaml").write_text("sample: incisor\n")
    third = ingest(client, world.layout, [folder])
    assert (third.created, third.updated, third.unchanged) == (0, 1, 0)
    assert world.client("team").search("molar tooth").total == 0
    (found,) = world.client("team").search("incisor").datasets
    assert (found.name, found.technique, found.sample) == ("tooth", "tomography", "incisor")


def test_a_scan_is_described_by_its_file_and_its_sidecar(world: World):
    folder = world.scan("tooth")
    ingest(world.client("ingest"), world.layout, [folder])
    (summary,) = world.client("team").search("energy 12..13 keV").datasets
    found = world.client("team").dataset(summary.id)
    assert found.folder == str(folder)
    assert [file.format for file in found.files] == ["Data Exchange"]
    assert found.parameters["projections"] == Quantity(value=20)
    assert found.parameters["angle_stop"] == Quantity(value=180, unit="degrees")
    assert found.energy == Quantity(value=12.5, unit="keV")
    assert found.sample_description is not None
    assert found.sample_description.zh == "人类臼齿样品"
    assert "Ada Okafor" in found.readers[0].en


def test_a_file_that_is_gone_is_noticed_and_so_is_its_return(world: World, tmp_path: Path):
    folder = world.scan("tooth")
    client = world.client("ingest")
    ingest(client, world.layout, [world.layout.root])
    shutil.move(folder / "tooth.h5", tmp_path / "away.h5")
    report = ingest(client, world.layout, [world.layout.root])
    assert report.missing == [str(folder / "tooth.h5")]
    (found,) = world.client("team").search("tooth").datasets
    assert found.state is DatasetState.MISSING
    assert found.problem is not None
    assert "tooth.h5" in found.problem.en
    assert ingest(client, world.layout, [folder]).missing == []
    shutil.move(tmp_path / "away.h5", folder / "tooth.h5")
    ingest(client, world.layout, [world.layout.root])
    (found,) = world.client("team").search("tooth").datasets
    assert (found.state, found.problem) == (DatasetState.COMPLETE, None)


def test_a_whole_folder_that_is_gone_is_noticed_also_when_it_is_named(world: World):
    folder = world.scan("tooth")
    ingest(world.client("ingest"), world.layout, [folder])
    shutil.rmtree(folder)
    assert ingest(world.client("ingest"), world.layout, [folder]).missing == [str(folder / "tooth.h5")]


def test_raw_data_that_lose_one_file_of_several_keep_its_name(world: World):
    folder = world.scan("tooth")
    (folder / "notes.txt").write_text("x")
    ingest(world.client("ingest"), world.layout, [folder])
    (folder / "notes.txt").unlink()
    ingest(world.client("ingest"), world.layout, [folder])
    (summary,) = world.client("team").search("tooth").datasets
    states = {file.name: file.state.value for file in world.client("team").dataset(summary.id).files}
    assert states == {"tooth.h5": "complete", "notes.txt": "missing"}
    assert summary.state is DatasetState.MISSING


def test_a_truncated_file_is_catalogued_as_broken_with_both_sizes(world: World):
    folder = world.scan("tooth")
    path = folder / "tooth.h5"
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[: size // 2])
    report = ingest(world.client("ingest"), world.layout, [folder])
    assert [told.name for told in report.broken] == ["tooth"]
    (found,) = world.client("team").search("tooth").datasets
    assert found.state is DatasetState.BROKEN
    assert found.problem is not None
    assert f"{size // 2} bytes" in found.problem.en
    assert str(size) in found.problem.zh


def test_a_missing_linked_file_is_named_in_both_languages(world: World):
    folder = world.scan("tooth")
    with h5py.File(folder / "tooth.h5", "a") as file:
        file["exchange/extra"] = h5py.ExternalLink("frames-0002.h5", "/data")
    ingest(world.client("ingest"), world.layout, [folder])
    (found,) = world.client("team").search("tooth").datasets
    assert found.state is DatasetState.BROKEN
    assert found.problem is not None
    assert "frames-0002.h5" in found.problem.en
    assert "frames-0002.h5" in found.problem.zh
    gone = [f for f in world.client("team").dataset(found.id).files if f.state is DatasetState.MISSING]
    assert [file.path for file in gone] == [str(folder / "frames-0002.h5")]
    with h5py.File(folder / "frames-0002.h5", "w") as file:
        file["data"] = [1.0]
    ingest(world.client("ingest"), world.layout, [folder])
    assert world.client("team").search("tooth").datasets[0].state is DatasetState.COMPLETE


def test_a_link_into_another_beamtime_is_not_followed(world: World):
    secret = world.folder("BT-2") / "secret.h5"
    secret.parent.mkdir(parents=True)
    with h5py.File(secret, "w") as file:
        file["name"] = "treasure"
    folder = world.scan("tooth")
    with h5py.File(folder / "tooth.h5", "a") as file:
        file["measurement/sample/name"] = h5py.ExternalLink(str(secret), "/name")
    (folder / "dataset.yaml").unlink()
    ingest(world.client("ingest"), world.layout, [folder])
    (found,) = world.client("team").search("tooth").datasets
    assert found.sample is None
    assert found.problem is not None
    assert "outside of its beamtime" in found.problem.en
    with pytest.raises(CatalogueRefusedError) as refused:
        world.client("team").thumbnail(found.id)
    assert refused.value.code == "no-thumbnail"


def test_bad_sidecars_stop_only_their_own_folder(light_world: World):
    light_world.scan("good")
    bad = light_world.scan("bad")
    (bad / "dataset.yaml").write_text("sampel: molar\n")
    report = ingest(light_world.client("ingest"), light_world.layout, [light_world.folder()])
    assert report.created == 1
    assert [told.problem.en for told in report.unreadable] != []
    assert "sampel" in report.unreadable[0].problem.en


def test_a_bulk_request_refuses_what_makes_no_sense_and_takes_the_rest(world: World):
    elsewhere = world.record("elsewhere", files=(FileRecord(path="/etc/passwd", size=1),))
    stray = world.record("stray").model_copy(update={"beamtime": "BT-9"})
    other = world.record("other", files=world.record("x", "BT-2").files)
    results = world.client("ingest").ingest([elsewhere, world.record("good"), stray, other])
    assert [result.outcome for result in results] == ["refused", "created", "refused", "refused"]
    assert "/etc/passwd" in results[0].problem.en
    assert "BT-9" in results[2].problem.en
    assert world.client("admin").search("").total == 1


def test_a_person_registers_results_of_their_own_beamtime_only(world: World):
    (raw,) = world.client("ingest").ingest([world.record("tooth")])
    team = world.client("team")
    record = world.result("slices", parents=(raw.dataset,), software="beamtorch ct 0.1")
    made = team.register(record)
    assert (made.kind, made.parents, made.software) == (DatasetKind.PROCESSED, (raw.dataset,), "beamtorch ct 0.1")
    assert team.register(record).id == made.id
    assert team.dataset(raw.dataset).children == (made.id,)
    path = str(world.folder() / "tooth" / "tooth.h5")
    refused = {
        "not-your-beamtime": world.result("theirs", "BT-2"),
        "registration-refused": world.record("raw again"),
    }
    for code, record in refused.items():
        with pytest.raises(CatalogueRefusedError) as error:
            team.register(record)
        assert error.value.code == code
    for files in (
        (FileRecord(path="/etc/passwd", size=1),),
        (FileRecord(path=str(world.folder("BT-1", "processed") / "none.h5"), size=1),),
        (FileRecord(path=path, size=1),),
    ):
        with pytest.raises(CatalogueRefusedError) as error:
            team.register(world.result("slices2", files=files))
        assert error.value.code == "registration-refused"
        assert files[0].path in error.value.detail.en


def test_a_result_cannot_take_the_name_of_raw_data_nor_lead_out_by_a_link(world: World):
    raw = world.record("tooth")
    world.client("ingest").ingest([raw])
    with pytest.raises(CatalogueRefusedError) as error:
        world.client("team").register(world.result("tooth", source_id=raw.source_id))
    assert error.value.code == "registration-refused"
    link = world.folder("BT-1", "processed") / "link.h5"
    link.symlink_to(world.record("secret", "BT-2").files[0].path)
    with pytest.raises(CatalogueRefusedError) as error:
        world.client("team").register(world.result("out", files=(FileRecord(path=str(link), size=4),)))
    assert error.value.code == "registration-refused"


def test_what_an_app_registered_is_not_doubled_by_an_ingest(world: World):
    made = world.client("team").register(world.result("slices"))
    report = ingest(world.client("ingest"), world.layout, [world.layout.root])
    assert (report.created, report.registered) == (0, 1)
    assert [dataset.id for dataset in world.client("team").search("").datasets] == [made.id]


def test_values_that_no_database_keeps_are_refused_in_words(world: World):
    client = world.client("ingest")
    (result,) = client.ingest([world.record("odd", parameters={"energy": Quantity(value=1e300, unit="GeV")})])
    assert result.outcome == "created"
    with httpx.Client(
        timeout=60, base_url=world.url, headers={"Authorization": f"token {world.tokens['ingest']}"}
    ) as http:
        answer = http.post("datasets:bulk", content=b"[" + b" " * (33 * 1024**2) + b"]")
        assert (answer.status_code, answer.json()["type"]) == (413, "urn:beamtorch:problem:body-too-large")
        assert http.get("datasets", params={"limit": 201}).status_code == 422


def test_importing_the_facility_again_changes_titles_and_what_words_find(world: World):
    world.client("ingest").ingest([world.record("tooth")])
    document = facility_records().model_dump()
    document["proposals"][0]["title"] = {"en": "Dinosaur jaws", "zh": "恐龙颌骨"}
    world.client("ingest").import_facility(type(facility_records()).model_validate(document))
    assert world.client("team").search("dinosaur").total == 1
    assert world.client("team").search("teeth").total == 0
    document["beamtimes"][0]["proposal"] = "P9"
    with pytest.raises(CatalogueRefusedError) as refused:
        world.client("ingest").import_facility(type(facility_records()).model_validate(document))
    assert refused.value.code == "records-refused"
    assert "P9" in refused.value.detail.en
