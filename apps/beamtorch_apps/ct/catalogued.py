"""Entering a volume in the catalogue, beside the scan that it was made from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from beamtorch_facility.data_layout import DataLayout
from beamtorch_facility.dataset import DatasetKind
from beamtorch_facility.quantity import Quantity

if TYPE_CHECKING:
    from beamtorch_apps.ct.volume import Outcome
    from beamtorch_catalogue.wire import DatasetRecord, FileRecord


def register(outcome: Outcome) -> str:
    """Enter a result in the catalogue as the person who runs this, and return its identifier.

    Raises
    ------
    OutsideDataError
        If the result is in no beamtime folder, so that nobody would know who may read it.
    CatalogueError
        If the catalogue cannot be reached, or says no.
    """
    from beamtorch_catalogue.client import CatalogueClient  # noqa: PLC0415 - CT runs without a catalogue

    with CatalogueClient.from_environment() as client:
        parent = outcome.provenance.recipe.dataset
        sample = client.dataset(parent).sample if parent else None
        return str(client.register(record_of(outcome, sample)).id)


def record_of(outcome: Outcome, sample: str | None) -> DatasetRecord:
    """Return what the catalogue is told about a result."""
    from beamtorch_catalogue.wire import DatasetRecord  # noqa: PLC0415 - CT runs without a catalogue

    facts = outcome.provenance.facts()
    layout = DataLayout(Path(os.environ.get("BEAMTORCH_DATA_ROOT", "/")))
    folder, _ = layout.locate(outcome.output)
    recipe = outcome.provenance.recipe
    parameters: dict[str, Quantity | str] = {
        "rotation_axis": Quantity(value=outcome.axis.column, unit="pixel"),
        "filter": recipe.filter,
        "rows": Quantity(value=len(outcome.provenance.rows)),
        "projections": Quantity(value=facts["scan"]["projections"]),
    }
    if outcome.provenance.pixel_size:
        parameters["pixel_size"] = outcome.provenance.pixel_size
    if outcome.provenance.energy:
        parameters["energy"] = outcome.provenance.energy
    versions = facts["software"]
    return DatasetRecord(
        source_id=str(outcome.output.resolve()),
        name=outcome.output.stem,
        kind=DatasetKind.PROCESSED,
        beamtime=folder.beamtime,
        technique="tomography",
        sample=sample,
        measured_at=outcome.provenance.made_at,
        files=tuple(_files(outcome)),
        parameters=parameters,
        parents=(recipe.dataset,) if recipe.dataset else (),
        software=f"beamtorch {versions['beamtorch']}, finufft {versions['finufft']}",
    )


def _files(outcome: Outcome) -> list[FileRecord]:
    from beamtorch_catalogue.wire import FileRecord  # noqa: PLC0415 - CT runs without a catalogue

    found = [(outcome.output, "NXtomoproc")]
    if outcome.tiff is not None:
        pages = sorted(outcome.tiff.iterdir()) if outcome.tiff.is_dir() else [outcome.tiff]
        found += [(page, "TIFF") for page in pages]
    return [FileRecord(path=str(path.resolve()), size=path.stat().st_size, format=kind) for path, kind in found]
