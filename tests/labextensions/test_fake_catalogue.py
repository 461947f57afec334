"""What our tests stand on: the small catalogue answers like the real one, as far as the panel asks."""

import pytest

from beamtorch_catalogue.attach import attach, detach
from beamtorch_catalogue.client import CatalogueClient, CatalogueRefusedError
from beamtorch_catalogue.testing.world import energy, small_world
from beamtorch_labextensions.testing.fake_catalogue import TOKEN, fake_catalogue


@pytest.fixture(params=["fake", "real"])
def client(request, tmp_path, dataset_of):
    """A catalogue with one dataset, called molar-scan, at 12.5 keV."""
    if request.param == "real":
        with small_world(tmp_path, f"sqlite:///{tmp_path / 'catalogue.sqlite'}") as world:
            world.client("ingest").ingest([world.record("molar-scan", parameters=energy(12.5), sample="molar")])
            yield world.client("team")
    else:
        file = tmp_path / "molar-scan" / "scan.h5"
        file.parent.mkdir()
        file.touch()
        with fake_catalogue() as catalogue, CatalogueClient(catalogue.url, TOKEN) as client:
            catalogue.add(dataset_of("molar-scan", file, energy={"value": 12.5, "unit": "keV"}))
            yield client


def test_both_find_attach_and_refuse_alike(client, tmp_path):
    (found,) = client.search("molar-scan 12..13 keV").datasets
    assert (found.name, found.energy.value, found.attached_at) == ("molar-scan", 12.5, None)
    assert client.count("molar-scan 12..13 keV").total == 1
    empty = client.search("molar-scan 1..2 keV")
    assert (empty.total, empty.datasets, empty.next) == (0, (), None)
    assert empty.advice

    home = tmp_path / "home"
    assert attach(client, found.id, home).path == "~/datasets/molar-scan"
    assert [one.dataset for one in client.attachments()] == [found.id]
    assert client.dataset(found.id).attached_at == "~/datasets/molar-scan"
    detach(client, found.id, home)
    assert client.attachments() == []

    for work, status, code in (
        (lambda: client.search("12..13 kev"), 422, "unknown-unit"),
        (lambda: client.dataset("no-such-thing"), 404, "no-such-dataset"),
        (lambda: client.record_attachment("no-such-thing", "~/datasets/x"), 404, "no-such-dataset"),
    ):
        with pytest.raises(CatalogueRefusedError) as refused:
            work()
        assert (refused.value.status, refused.value.code) == (status, code)
