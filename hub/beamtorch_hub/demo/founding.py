"""Makes the demo facility in a platform's home, and goes on where an interrupted start stopped."""

from collections.abc import Callable
from importlib import resources
from pathlib import Path

import yaml

from beamtorch_facility.data_layout import Area, DataLayout
from beamtorch_facility.directory import YamlDirectory, dump_people
from beamtorch_hub.demo.errors import OtherDemoError
from beamtorch_hub.demo.making import Workshop, make_files
from beamtorch_hub.demo.passwords import complete_passwords
from beamtorch_hub.demo.placing import placing_folder
from beamtorch_hub.demo.recipe import Truncated
from beamtorch_hub.demo.simulator import Simulator
from beamtorch_hub.demo.spec import DEFAULT, DemoDataset, DemoSpec, dump_spec, load_spec
from beamtorch_hub.demo.welcome import NOTEBOOK, welcome_notebook
from beamtorch_hub.files import write_text, writing_in
from beamtorch_hub.home import PlatformHome
from beamtorch_identity.acl.errors import AclUnsupportedError
from beamtorch_identity.beamtimes.founding import folder_of, found_beamtime
from beamtorch_identity.beamtimes.record import BeamtimeRecord


def spec_file_of(home: PlatformHome) -> Path:
    """Return where a home keeps the description that its demo facility was made from."""
    return home.root / "config" / "demo.yaml"


def made_marker(home: PlatformHome) -> Path:
    """Return the file whose presence says that all of the facility was made once."""
    return home.root / "config" / "demo-is-made"


def make(home: PlatformHome, spec_file: Path | None = None, *, say: Callable[[str], None] = print) -> None:
    """Make whatever is not there yet; a second call changes nothing.

    Settings that somebody deleted come back; data and homes are made once, so that what people remove stays removed.

    Parameters
    ----------
    home
        Where to.
    spec_file
        Description of another facility; none: the one that the home was begun with, else the default.
    say
        Takes the lines of progress.

    Raises
    ------
    SpecUnreadableError, OtherDemoError, SourceMissingError, SimulationError
        Each says what to do; a later call goes on from there.
    HomeNotUsableError, DiskFullError
        If the home cannot be written.
    """
    spec = _settle_spec(home, spec_file)
    _write_settings(home, spec)
    if made_marker(home).exists():
        return
    say(f"Making the demo facility “{spec.name.en}” in {home.root} (once)")
    _make_data(home, spec, say)
    _make_homes(home, spec)
    write_text(made_marker(home), "Data and homes were made once. Without this file the next start completes them.\n")
    say(f"Made {len(spec.datasets)} datasets in {len(spec.beamtimes)} beamtimes, and {len(spec.people)} homes")


def read_spec(home: PlatformHome) -> DemoSpec:
    """Return the description that a home's demo facility was made from."""
    return load_spec(spec_file_of(home))


def dataset_folder(layout: DataLayout, spec: DemoSpec, dataset: DemoDataset) -> Path:
    """Return where the files of a dataset lie."""
    stay = spec.stay(dataset)
    return layout.folder(stay.beamline, stay.beamtime, stay.start).area(dataset.area) / dataset.name


def _settle_spec(home: PlatformHome, spec_file: Path | None) -> DemoSpec:
    kept = spec_file_of(home)
    if not kept.exists():
        spec = load_spec(spec_file or DEFAULT)
        _write_if_absent(kept, dump_spec(spec))
        return spec
    held = load_spec(kept)
    if spec_file is not None and load_spec(spec_file) != held:
        raise OtherDemoError.of(home.root, held.name.en)
    return held


def _write_settings(home: PlatformHome, spec: DemoSpec) -> None:
    _write_if_absent(home.directory, dump_people(spec.identities()))
    # Whoever was added to the directory since gets a password, too.
    complete_passwords(home.passwords, [person.username for person in YamlDirectory(home.directory).people()])
    offers = resources.files("beamtorch_spawner").joinpath("environments.yaml").read_text(encoding="utf-8")
    _write_if_absent(home.environments, offers)
    records = yaml.safe_dump(spec.records().model_dump(mode="json"), allow_unicode=True, sort_keys=False, width=120)
    _write_if_absent(home.facility, records)


def _write_if_absent(path: Path, text: str) -> None:
    if not path.exists():
        with writing_in(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)


def _make_data(home: PlatformHome, spec: DemoSpec, say: Callable[[str], None]) -> None:
    layout = DataLayout(home.data)
    _found_beamtimes(home, spec)
    place_of = {one.name: dataset_folder(layout, spec, one) for one in spec.datasets}
    missing = [one for one in spec.datasets if not place_of[one.name].exists()]
    # What is cut from another dataset comes last: the other one is there by then.
    missing.sort(key=lambda one: isinstance(one.recipe, Truncated))
    with Simulator() as simulator:
        workshop = Workshop(spec, place_of, simulator)
        for dataset in missing:
            with placing_folder(place_of[dataset.name]) as part:
                make_files(workshop, dataset, part)
            say(f"  {dataset.name} ({dataset.technique}, {spec.stay(dataset).beamline})")
    # What was moved into place has no rights of the place yet.
    if trouble := _found_beamtimes(home, spec):
        say(f"  everybody on this machine may read the data: {trouble}")


def _found_beamtimes(home: PlatformHome, spec: DemoSpec) -> str:
    """Make the beamtimes' folders and bring all below in line with the people; return why that cannot be, if so."""
    layout, people = DataLayout(home.data), tuple(YamlDirectory(home.directory).people())
    trouble = ""
    for stay in spec.beamtimes:
        record = BeamtimeRecord(
            beamline=stay.beamline, beamtime=stay.beamtime, proposal=stay.proposal, start=stay.start
        )
        with writing_in(home.data):
            try:
                found_beamtime(layout, record, people)
            except AclUnsupportedError as error:
                trouble = error.detail.en
                for area in Area:
                    folder_of(layout, record).area(area).mkdir(parents=True, exist_ok=True)
    return trouble


def _make_homes(home: PlatformHome, spec: DemoSpec) -> None:
    for person in spec.people:
        if not (home.homes / person.username).exists():
            with placing_folder(home.homes / person.username, mode=0o700) as folder:
                (folder / NOTEBOOK).write_text(welcome_notebook(spec, person), encoding="utf-8")
