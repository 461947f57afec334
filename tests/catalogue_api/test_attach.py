"""Attaching: a link in a person's home, made by their own process."""

from pathlib import Path

import pytest

from beamtorch_catalogue.attach import FOLDER, FileGoneError, LinkFailedError, attach, detach, link_name
from beamtorch_catalogue.client import CatalogueClient, CatalogueRefusedError, CatalogueUnreachableError
from beamtorch_catalogue.testing.world import World


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_attaching_links_the_folder_and_is_remembered(world: World, home: Path):
    (made,) = world.client("ingest").ingest([world.record("tooth")])
    team = world.client("team")
    attached = attach(team, made.dataset, home)
    assert attached.path == "~/datasets/tooth"
    assert (home / FOLDER / "tooth").readlink() == world.folder() / "tooth"
    assert (home / FOLDER / "tooth" / "tooth.h5").read_bytes() == b"data"
    assert attach(team, made.dataset, home) == attached
    assert [a.dataset for a in team.attachments()] == [made.dataset]
    assert team.search("tooth").datasets[0].attached_at == "~/datasets/tooth"
    assert world.client("staff").search("tooth").datasets[0].attached_at is None
    detach(team, made.dataset, home)
    detach(team, made.dataset, home)
    assert (list((home / FOLDER).iterdir()), team.attachments()) == ([], [])
    assert (world.folder() / "tooth" / "tooth.h5").exists()


def test_two_datasets_of_one_name_get_two_links(light_world: World, home: Path):
    first, second = light_world.client("ingest").ingest(
        [light_world.record("scan"), light_world.record("scan", "BT-2")]
    )
    admin = light_world.client("admin")
    assert attach(admin, first.dataset, home).path == "~/datasets/scan"
    assert attach(admin, second.dataset, home).path == "~/datasets/scan-2"
    assert attach(admin, second.dataset, home).path == "~/datasets/scan-2"
    detach(admin, first.dataset, home)
    assert attach(admin, second.dataset, home).path == "~/datasets/scan-2"


def test_what_is_in_the_way_is_never_replaced(light_world: World, home: Path):
    (made,) = light_world.client("ingest").ingest([light_world.record("mine")])
    (home / FOLDER / "mine").mkdir(parents=True)
    assert attach(light_world.client("team"), made.dataset, home).path == "~/datasets/mine-2"
    (home / FOLDER / "mine-2").unlink()
    (home / FOLDER / "mine-2").write_text("notes of a person")
    detach(light_world.client("team"), made.dataset, home)
    assert (home / FOLDER / "mine-2").read_text() == "notes of a person"


def test_a_file_that_is_gone_is_named_and_nothing_is_linked(light_world: World, home: Path):
    record = light_world.record("gone")
    (made,) = light_world.client("ingest").ingest([record])
    Path(record.files[0].path).unlink()
    with pytest.raises(FileGoneError) as error:
        attach(light_world.client("team"), made.dataset, home)
    assert record.files[0].path in error.value.detail.en
    assert record.files[0].path in error.value.detail.zh
    assert not (home / FOLDER).exists()
    assert attach(light_world.client("team"), made.dataset, home, even_if_incomplete=True).path == "~/datasets/gone"


def test_somebody_elses_dataset_cannot_be_attached(light_world: World, home: Path):
    (made,) = light_world.client("ingest").ingest([light_world.record("theirs", "BT-2")])
    with pytest.raises(CatalogueRefusedError) as error:
        attach(light_world.client("team"), made.dataset, home)
    assert error.value.code == "no-such-dataset"
    assert not (home / FOLDER).exists()


def test_a_home_that_cannot_hold_links_is_named(light_world: World, home: Path):
    (made,) = light_world.client("ingest").ingest([light_world.record("full")])
    (home / FOLDER).write_text("a file in the way")
    with pytest.raises(LinkFailedError) as error:
        attach(light_world.client("team"), made.dataset, home)
    assert str(home / FOLDER) in error.value.detail.en


@pytest.mark.parametrize(
    ("name", "link"),
    [("../../etc", "_.._etc"), ("a/b\\c", "a_b_c"), ("..", "dataset"), ("牙齿 1", "牙齿 1"), ("x" * 99, "x" * 60)],
)
def test_a_name_cannot_lead_out_of_the_folder(name: str, link: str):
    assert link_name(name).lstrip("_") == link.lstrip("_")
    assert "/" not in link_name(name)


def test_a_catalogue_that_does_not_answer_is_one_sentence(home: Path):
    with CatalogueClient("http://127.0.0.1:9/services/catalogue/", "secret-token") as client:
        with pytest.raises(CatalogueUnreachableError) as error:
            attach(client, "ds-aaaaaaaaaaaaaaaa", home)
        assert "does not answer" in error.value.detail.en
        assert "secret-token" not in error.value.detail.en
