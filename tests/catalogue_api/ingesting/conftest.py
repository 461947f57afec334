"""Folders of one beamtime, and the records that come of them, without a catalogue."""

from collections.abc import Callable
from pathlib import Path

import pytest

from beamtorch_catalogue.extract.folder import find_candidates, to_record
from beamtorch_catalogue.extract.path_lists import Extraction
from beamtorch_catalogue.wire import DatasetRecord
from beamtorch_facility import DataLayout


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "BL1" / "202610" / "Data" / "BT-1" / "raw"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., dict[str, DatasetRecord]]:
    layout = DataLayout(tmp_path)

    def read(extraction: Extraction | None = None) -> dict[str, DatasetRecord]:
        return {c.name: to_record(c, layout, extraction) for c in find_candidates(tmp_path, layout)}

    return read
