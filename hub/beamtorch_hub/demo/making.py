"""Makes the files of a dataset by its recipe, and beside them `dataset.yaml` with what the files cannot tell."""

import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import yaml

from beamtorch_hub.demo.errors import SimulationError, SourceMissingError
from beamtorch_hub.demo.recipe import Copied, MissingLink, SimulatedCt, Truncated, Unpacked
from beamtorch_hub.demo.simulator import Simulator
from beamtorch_hub.demo.spec import DemoDataset, DemoSpec

SHIPPED = Path(__file__).with_name("data")
SIDECAR = "dataset.yaml"


@dataclass(frozen=True)
class Workshop:
    """What the recipes of one facility share."""

    spec: DemoSpec
    folder_of: Mapping[str, Path]
    """Where each dataset lies in the end, for recipes that start from another one."""
    simulator: Simulator


def make_files(workshop: Workshop, dataset: DemoDataset, folder: Path) -> None:
    """Fill a dataset's folder: the files of its recipe, read-only as a detector leaves them, and the sidecar."""
    spec = workshop.spec
    match dataset.recipe:
        case Copied() as recipe:
            _copy(recipe, dataset, folder)
        case Unpacked() as recipe:
            _unpack(recipe, dataset, folder)
        case SimulatedCt() as recipe:
            _simulate(recipe, spec, dataset, folder, workshop.simulator)
        case Truncated() as recipe:
            _truncate(recipe, workshop, folder)
        case MissingLink() as recipe:
            _leave_out(recipe, spec, dataset, folder)
    (folder / SIDECAR).write_text(sidecar(dataset), encoding="utf-8")
    for file in folder.iterdir():
        file.chmod(0o444)


def sidecar(dataset: DemoDataset) -> str:
    """Return what the files of a dataset cannot tell (YAML)."""
    told = dataset.model_dump(mode="json", include={"name", "kind", "technique", "sample", "measured_at", "parameters"})
    more = {"software": dataset.software} if dataset.software else {}
    return yaml.safe_dump(
        {key: value for key, value in (told | more).items() if value}, allow_unicode=True, sort_keys=False
    )


def source_path(source: str) -> Path:
    """Return where a file that a recipe names lies: as given if absolute, else among the shipped ones."""
    return SHIPPED / source


def _copy(recipe: Copied, dataset: DemoDataset, folder: Path) -> None:
    for file in recipe.files:
        source = source_path(file.source)
        if not source.is_file():
            raise SourceMissingError.of(source, dataset.name, "there is no such file")
        shutil.copyfile(source, folder / file.name)


def _unpack(recipe: Unpacked, dataset: DemoDataset, folder: Path) -> None:
    source = source_path(recipe.archive)
    try:
        with tarfile.open(source) as archive:
            for member in archive:
                content = archive.extractfile(member)
                if content is None:
                    continue
                # Only the last part of the name counts, so that no member can lead out of the folder.
                name = member.name.rpartition("/")[2].replace(recipe.stem, recipe.name) if recipe.stem else member.name
                with (folder / name.rpartition("/")[2]).open("wb") as file:
                    shutil.copyfileobj(content, file)
    except (tarfile.TarError, FileNotFoundError, EOFError) as error:
        raise SourceMissingError.of(source, dataset.name, str(error)) from error


def seed_of(spec: DemoSpec, dataset: DemoDataset) -> int:
    """Return the seed of a simulated scan: its own for each dataset, the same at each start."""
    return crc32(f"{spec.seed} {dataset.name}".encode())


def _simulate(recipe: SimulatedCt, spec: DemoSpec, dataset: DemoDataset, folder: Path, simulator: Simulator) -> None:
    options: dict[str, object] = {
        "--seed": seed_of(spec, dataset),
        "--size": recipe.columns,
        "--rows": recipe.rows,
        "--projections": recipe.projections,
        "--span": recipe.span,
        "--axis": recipe.axis,
        "--layout": recipe.layout,
        "--energy": recipe.energy,
        "--pixel-size": recipe.pixel_size,
        "--flats": recipe.flats,
        "--name": dataset.sample or dataset.name,
    }
    words = [str(word) for option in options.items() for word in option]
    problem = simulator.simulate([str(folder / recipe.file), *words])
    if problem:
        raise SimulationError.of(dataset.name, problem)


def _truncate(recipe: Truncated, workshop: Workshop, folder: Path) -> None:
    whole = next(one for one in workshop.spec.datasets if one.name == recipe.of).recipe
    assert isinstance(whole, Copied | SimulatedCt)  # noqa: S101 - the description was checked
    name = whole.files[0].name if isinstance(whole, Copied) else whole.file
    content = (workshop.folder_of[recipe.of] / name).read_bytes()
    (folder / recipe.file).write_bytes(content[: int(len(content) * recipe.keep)])


def _leave_out(recipe: MissingLink, spec: DemoSpec, dataset: DemoDataset, folder: Path) -> None:
    from beamtorch_hub.demo.missing_link import write_master  # noqa: PLC0415 - h5py only where a file is made

    write_master(folder / recipe.file, recipe, spec=spec, dataset=dataset)
