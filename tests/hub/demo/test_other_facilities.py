import subprocess
import sys

import pytest

from beamtorch_hub.demo import cast, make
from beamtorch_hub.demo.cast import readable_datasets, search_word
from beamtorch_hub.demo.errors import NobodyForThePartError
from beamtorch_hub.demo.spec import load_spec
from beamtorch_hub.demo.vary import other_spec


def names(spec):
    """Return every name that a program could have been written for."""
    people = {word for one in spec.people for word in (one.username, one.full_name.en, one.full_name.zh)}
    instruments = {word for one in spec.instruments for word in (one.beamline, one.name.en, one.name.zh)}
    proposals = {word for one in spec.proposals for word in (one.proposal, one.title.en, one.title.zh)}
    samples = {word for one in spec.samples for word in (one.sample, one.description.en, one.description.zh)}
    datasets = {word for one in spec.datasets for word in (one.name, search_word(one.name), *files(one))}
    beamtimes = {stay.beamtime for stay in spec.beamtimes}
    return people | instruments | proposals | samples | datasets | beamtimes | {spec.name.en, spec.name.zh}


def files(dataset):
    recipe = dataset.recipe
    return [file.name for file in recipe.files] if recipe.make == "copy" else [getattr(recipe, "file", recipe.make)]


@pytest.mark.parametrize("seed", [0, 1, 7, 4711])
def test_another_facility_shares_no_name_with_the_default(spec, seed):
    assert names(other_spec(seed)) & names(spec) <= {"unpack"}


@pytest.mark.parametrize("seed", range(40))
def test_every_seed_fills_every_part(spec, seed):
    other = other_spec(seed)
    parts = cast(other)
    assert parts.truncated
    assert parts.missing_link
    assert parts.colleague
    assert parts.query in parts.scan.name
    assert parts.hidden in readable_datasets(other, parts.outsider)
    assert parts.hidden not in readable_datasets(other, parts.scientist)
    assert len(other.datasets) == len(spec.datasets)


def test_a_seed_gives_the_same_facility_again_and_others_differ():
    assert other_spec(3) == other_spec(3)
    assert len({other_spec(seed).model_dump_json() for seed in range(20)}) == 20


def test_the_command_prints_what_make_takes(home, tmp_path):
    command = [sys.executable, "-m", "beamtorch_hub.demo.vary", "7"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    file = tmp_path / "other.yaml"
    file.write_text(printed, encoding="utf-8")
    other = load_spec(file)
    assert other == other_spec(7)
    make(home, file)
    made = {path.name for path in home.data.glob("*/*/Data/*/*/*")}
    assert made == {dataset.name for dataset in other.datasets}
    images = [path.name for path in home.data.rglob("*.cbf")]
    crystal = next(dataset.name for dataset in other.datasets if dataset.recipe.make == "unpack")
    assert len(images) == 15
    assert all(name.startswith(f"{crystal}_000") for name in images)


def test_the_parts_of_the_default_facility_are_who_they_should_be(spec):
    parts = cast(spec)
    assert (parts.scan.name, parts.query) == ("tooth_0047", "tooth")
    assert (parts.scientist, parts.colleague, parts.outsider) == ("marsh", "qiao", "ruiz")
    assert (parts.staff, parts.admin) == ("chen", "novak")
    assert (parts.truncated.name, parts.missing_link.name) == ("tooth_0046", "rice_seed_032")


def test_a_facility_without_an_admin_says_so(spec):
    people = tuple(person.model_copy(update={"admin": False}) for person in spec.people)
    with pytest.raises(NobodyForThePartError, match="an admin"):
        cast(spec.model_copy(update={"people": people}))
