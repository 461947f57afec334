import json
import os
import signal
import stat

import h5py
import pytest
import yaml

from beamtorch_catalogue.wire import FacilityRecords
from beamtorch_facility import Area, DataLayout, UnknownPersonError, YamlDirectory
from beamtorch_facility.dataset import DatasetKind
from beamtorch_facility.directory import dump_people
from beamtorch_hub.demo import cast, dataset_folder, make, read_spec
from beamtorch_hub.demo.errors import OtherDemoError, SimulationError, SourceMissingError, SpecUnreadableError
from beamtorch_hub.demo.founding import made_marker
from beamtorch_hub.demo.making import seed_of
from beamtorch_hub.demo.spec import dump_spec
from beamtorch_hub.errors import HomeNotUsableError
from beamtorch_hub.home import PlatformHome
from beamtorch_spawner.environments import load_environments


def test_every_file_lies_where_the_data_layout_says(made, spec):
    layout = DataLayout(made.data)
    for dataset in spec.datasets:
        folder = dataset_folder(layout, spec, dataset)
        stay = spec.stay(dataset)
        files = list(folder.iterdir())
        assert len(files) >= 2
        for file in files:
            beamtime, area = layout.locate(file)
            assert (beamtime.beamline, beamtime.beamtime, area) == (stay.beamline, stay.beamtime, dataset.area)


def test_a_beamtime_has_its_four_areas(made, spec):
    for stay in spec.beamtimes:
        folder = DataLayout(made.data).folder(stay.beamline, stay.beamtime, stay.start)
        assert all(folder.area(area).is_dir() for area in Area)


def test_nothing_unfinished_is_left(made):
    assert not [path for path in made.root.rglob("*") if ".part" in path.name]


def test_five_people_can_log_in_and_two_groups_share_no_beamtime(made, spec):
    people = {person.username: person for person in YamlDirectory(made.directory).people()}
    assert len(people) == 5
    assert json.loads(made.passwords.read_text()).keys() == people.keys()
    parts = cast(spec)
    assert not people[parts.scientist].proposals & people[parts.outsider].proposals
    assert people[parts.colleague].language == "zh-CN"
    assert people[parts.admin].is_admin
    assert spec.stay(parts.scan).beamline in people[parts.staff].staffed_beamlines
    assert len({person.uid for person in people.values()}) == 5
    assert min(person.uid for person in people.values()) >= 1000
    with pytest.raises(UnknownPersonError):
        YamlDirectory(made.directory).person("nobody")


def test_passwords_belong_to_the_owner_alone_and_are_long(made):
    assert stat.S_IMODE(made.passwords.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.secrets.stat().st_mode) == 0o700
    passwords = json.loads(made.passwords.read_text())
    assert len(set(passwords.values())) == len(passwords)
    assert all(len(word.replace("-", "")) == 16 for word in passwords.values())


def test_the_settings_are_what_services_and_the_catalogue_read(made, spec):
    assert {offer.id for offer in load_environments(made.environments)} >= {"lab", "ct"}
    records = FacilityRecords.model_validate(yaml.safe_load(made.facility.read_text(encoding="utf-8")))
    assert records == spec.records()
    assert read_spec(made) == spec


def test_a_second_call_changes_nothing_and_brings_deleted_settings_back(home, small_file, tree):
    make(home, small_file)
    before = tree(home.root)
    lines = []
    make(home, say=lines.append)
    assert tree(home.root) == before
    assert not lines
    home.environments.unlink()
    make(home)
    assert tree(home.root) == before


def test_what_people_removed_stays_removed(home, small_file):
    make(home, small_file)
    gone = next(home.data.rglob("*.chi"))
    gone.unlink()
    make(home)
    assert not gone.exists()


def test_a_make_that_is_killed_at_any_line_is_finished_by_the_next(home, small_file, make_in_process, tree):
    for _ in range(4):
        process = make_in_process(home, small_file)
        for _ in range(2):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        if made_marker(home).exists():
            break
        final = [path for path in home.data.rglob("raw/*") if path.is_dir() and not path.name.startswith(".")]
        assert all((folder / "dataset.yaml").is_file() for folder in final)
    make(home, small_file)
    make(fresh := PlatformHome(home.root.with_name("fresh")), small_file)
    assert tree(home.data) == tree(fresh.data)
    assert not [path for path in home.data.rglob("*") if ".part" in path.name]


def test_a_password_outlives_an_interrupt(home, small_file):
    make(home, small_file)
    before = home.passwords.read_text()
    made_marker(home).unlink()
    home.directory.unlink()
    make(home, small_file)
    assert home.passwords.read_text() == before


def test_who_is_added_to_the_directory_gets_a_password_at_the_next_start(home, small_file):
    make(home, small_file)
    before = json.loads(home.passwords.read_text())
    people = list(YamlDirectory(home.directory).people())
    newcomer = people[0].model_copy(update={"username": "newcomer", "uid": 30001, "gid": 30001})
    home.directory.write_text(dump_people([*people, newcomer]), encoding="utf-8")
    make(home)
    after = json.loads(home.passwords.read_text())
    assert after.pop("newcomer")
    assert after == before


def test_another_description_is_refused_where_a_facility_is(home, small_file, tmp_path, tree):
    make(home, small_file)
    changed = small_file.read_text(encoding="utf-8").replace("marsh", "marshall")
    other = tmp_path / "other.yaml"
    other.write_text(changed, encoding="utf-8")
    before = tree(home.root)
    with pytest.raises(OtherDemoError, match="--home"):
        make(home, other)
    assert tree(home.root) == before


def test_a_truncated_file_is_the_beginning_of_the_whole_one(made, spec):
    broken = cast(spec).truncated
    layout = DataLayout(made.data)
    whole = dataset_folder(layout, spec, cast(spec).scan) / "tooth_0047.h5"
    file = dataset_folder(layout, spec, broken) / broken.recipe.file
    content, beginning = whole.read_bytes(), file.read_bytes()
    assert content.startswith(beginning)
    assert len(beginning) == int(0.6 * len(content))
    with pytest.raises(OSError, match="truncated"):
        h5py.File(file)


def test_a_nexus_file_leads_to_a_file_that_is_not_there(made, spec):
    broken = cast(spec).missing_link
    folder = dataset_folder(DataLayout(made.data), spec, broken)
    with h5py.File(folder / broken.recipe.file) as file:
        link = file["entry/instrument/detector"].get("data", getlink=True)
        assert link.filename == broken.recipe.absent
        assert not (folder / link.filename).exists()
        assert file["entry/sample/name"].asstr()[()] == broken.sample
        assert len(file["entry/instrument/detector/image_key"]) == len(file["entry/sample/rotation_angle"])


def test_the_sidecar_says_what_files_cannot(made, spec):
    for dataset in spec.datasets:
        folder = dataset_folder(DataLayout(made.data), spec, dataset)
        told = yaml.safe_load((folder / "dataset.yaml").read_text(encoding="utf-8"))
        assert (told["name"], told["sample"]) == (dataset.name, dataset.sample)
        assert told.get("kind") == (dataset.kind and DatasetKind(dataset.kind).value)


def test_nobody_can_write_raw_files_but_who_owns_them(made):
    files = [path for path in made.data.rglob("raw/**/*") if path.is_file()]
    assert files
    assert not [file for file in files if stat.S_IMODE(file.stat().st_mode) & 0o022]


def test_each_person_is_welcomed_in_their_language(made, spec):
    for person in spec.people:
        folder = made.homes / person.username
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        notebook = json.loads((folder / "Start here.ipynb").read_text(encoding="utf-8"))
        codes = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
        texts = "".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
        assert len(codes) == 3
        for code in codes:
            compile(code, "cell", "exec")
        assert ("欢迎" in texts) == person.language.startswith("zh")
        assert person.full_name.within(person.language) in texts


def test_the_whole_facility_is_small(made):
    total = sum(path.stat().st_size for path in made.data.rglob("*") if path.is_file())
    assert total < 100e6


def test_simulated_scans_hold_their_truth_and_differ(made, spec):
    layout = DataLayout(made.data)
    scans = [dataset for dataset in spec.datasets if dataset.recipe.make == "simulate-ct"]
    truths = set()
    for scan in scans:
        recipe = scan.recipe
        with h5py.File(dataset_folder(layout, spec, scan) / recipe.file) as file:
            simulation = file["simulation" if recipe.layout == "exchange" else "entry/simulation"]
            assert simulation["truth"].shape == (recipe.rows, recipe.columns, recipe.columns)
            assert simulation["rotation_axis"][()] == recipe.axis
            assert simulation["seed"][()] == seed_of(spec, scan)
            truths.add(simulation["truth"][()].tobytes())
    assert len(truths) == len(scans) >= 4


def test_there_are_scans_over_a_full_turn_with_flats_on_both_sides_and_in_both_layouts(made, spec):
    layout = DataLayout(made.data)
    recipes = [dataset.recipe for dataset in spec.datasets if dataset.recipe.make == "simulate-ct"]
    assert {recipe.span for recipe in recipes} == {180, 360}
    assert {recipe.layout for recipe in recipes} == {"nxtomo", "exchange"}
    assert len({recipe.energy for recipe in recipes}) >= 3
    both = next(dataset for dataset in spec.datasets if getattr(dataset.recipe, "flats", "") == "both")
    with h5py.File(dataset_folder(layout, spec, both) / both.recipe.file) as file:
        keys = file["entry/instrument/detector/image_key"][()]
    assert (keys[0], keys[-1]) != (0, 0)


def test_a_make_that_is_killed_during_a_simulation_is_finished_by_the_next(home, tmp_path, spec, make_in_process):
    wanted = ("enamel_c_005", "amber_ant_002")
    few = spec.model_copy(update={"datasets": tuple(one for one in spec.datasets if one.name in wanted)})
    file = tmp_path / "few.yaml"
    file.write_text(dump_spec(few), encoding="utf-8")
    process = make_in_process(home, file)
    process.stdout.readline()
    process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not made_marker(home).exists()
    make(home, file)
    assert sorted(path.name for path in home.data.rglob("raw/*")) == sorted(wanted)


def test_a_home_that_cannot_be_written_is_a_sentence(tmp_path, small_file):
    blocker = tmp_path / "file"
    blocker.write_text("not a folder")
    with pytest.raises(HomeNotUsableError, match="--home"):
        make(PlatformHome(blocker / "home"), small_file)


def test_a_source_that_is_not_there_is_named(home, small_file):
    text = small_file.read_text(encoding="utf-8").replace("pdf/Ni.chi", "./gone.chi")
    small_file.write_text(text, encoding="utf-8")
    with pytest.raises(SourceMissingError, match=r"gone\.chi.*nickel_001"):
        make(home, small_file)
    assert not [path for path in home.data.rglob("nickel_001") if path.is_dir()]
    (small_file.parent / "gone.chi").write_text("now it is there")
    make(home)
    assert next(home.data.rglob("nickel_001.chi")).read_text() == "now it is there"


def test_a_simulation_that_fails_says_why_and_leaves_nothing(home, tmp_path, spec, monkeypatch):
    broken = tmp_path / "no-ct"
    (broken / "beamtorch_apps").mkdir(parents=True)
    (broken / "beamtorch_apps" / "__init__.py").write_text("raise ModuleNotFoundError('x', name='finufft')\n")
    monkeypatch.setenv("PYTHONPATH", str(broken))
    with pytest.raises(SimulationError, match=r"finufft.*beamtorch\[ct\]"):
        make(home)
    scans = [dataset for dataset in spec.datasets if dataset.recipe.make == "simulate-ct"]
    assert not [scan for scan in scans if dataset_folder(DataLayout(home.data), spec, scan).exists()]
    assert not made_marker(home).exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("seed: 20261120", "seed: -1"), "seed"),
        (("people:", "peopel:"), "peopel"),
        (("principal_investigator: marsh", "principal_investigator: ruiz"), "ruiz"),
        (("beamtime: BT-26-0417", "beamtime: BT-26-0418"), "BT-26-041"),
        (("of: tooth_0047", "of: tooth_0099"), "tooth_0099"),
        (("sample: molar-M3", "sample: molar-M9"), "molar-M9"),
    ],
)
def test_a_description_with_a_mistake_says_what_it_is(home, small_file, change, message):
    text = small_file.read_text(encoding="utf-8")
    assert change[0] in text
    last = text.rindex(change[0])
    small_file.write_text(text[:last] + change[1] + text[last + len(change[0]) :], encoding="utf-8")
    with pytest.raises(SpecUnreadableError, match=message):
        make(home, small_file)
    assert not home.directory.exists()


def test_a_description_that_is_no_yaml_is_refused(home, tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text("people: [", encoding="utf-8")
    with pytest.raises(SpecUnreadableError, match=r"bad\.yaml"):
        make(home, file)
