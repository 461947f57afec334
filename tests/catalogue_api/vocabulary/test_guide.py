"""What the guide shows works, and the platform has the folder."""

import os
import re
from pathlib import Path

import pytest

from beamtorch_catalogue.vocabulary import FacilityVocabulary
from beamtorch_catalogue.vocabulary.__main__ import main
from beamtorch_hub.home import PlatformHome
from beamtorch_hub.platform.roster import roster
from beamtorch_hub.settings import prepare

EXAMPLES = Path(__file__).parents[2] / "data" / "models"
GUIDE = Path(__file__).parents[3] / "docs" / "how-to" / "describe-a-technique.md"
_BLOCK = re.compile(r"```yaml\n# config/models/(\S+)\n(.*?)```", re.DOTALL)


def test_the_files_of_the_guide_can_be_used_in_their_order(tmp_path: Path):
    shown = _BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    assert [name for name, _ in shown] == ["furnace.yaml", "furnace.yaml", "techniques.yaml"]
    for name, text in shown:
        (tmp_path / name).write_text(text, encoding="utf-8")
        vocabulary = FacilityVocabulary.load(tmp_path)
    assert "laminography" in vocabulary.techniques.narrower("tomography")
    furnace = vocabulary.models.get("furnace")
    assert furnace is not None
    first = {"ramp": {"value": 6, "unit": "K/min"}, "atmosphere": "air"}
    assert furnace.migrated(1, first) == {
        "rate": {"value": 0.1, "unit": "K/s"},
        "gas": "dry air",
        "operator": "unknown",
    }


def test_the_platform_makes_the_folder_and_tells_the_catalogue(tmp_path: Path):
    home = PlatformHome(tmp_path / "home")
    home.make()
    specs = {spec.name: spec for spec in roster(prepare(home, 8000), os.environ)}
    folder = Path(specs["catalogue"].environment["BEAMTORCH_CATALOGUE_MODELS"])
    assert folder == home.models
    assert FacilityVocabulary.load(folder).models.all() == ()


def test_a_folder_can_be_looked_at_before_a_restart(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main([str(EXAMPLES)]) == 0
    assert "furnace 1 (tomography): furnace_ramp, furnace_holds" in capsys.readouterr().out
    (tmp_path / "own.yaml").write_text("model: own\n", encoding="utf-8")
    assert main([str(tmp_path)]) == 2
    assert "version: Field required" in capsys.readouterr().err
    assert main([]) == 2
