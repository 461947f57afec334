"""The command line, from the front door."""

import json
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
import yaml

from beamtorch_catalogue import command
from beamtorch_catalogue.client import CatalogueRefusedError
from beamtorch_catalogue.commands.ingest import SOME_BROKEN
from beamtorch_catalogue.testing.world import World, facility_records
from beamtorch_facility.errors import BeamtorchError


@pytest.fixture
def run(light_world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BEAMTORCH_SPOOL", str(tmp_path / "spool"))
    light_world.begin_again()

    def run(*arguments: str, role: str = "ingest") -> tuple[int, str]:
        code = command.main(["--url", light_world.url, "--token", light_world.tokens[role], *arguments])
        return code, capsys.readouterr().out

    return run


def test_import_ingest_search_show(light_world: World, run, tmp_path: Path):
    file = tmp_path / "facility.yaml"
    file.write_text(yaml.safe_dump(facility_records().model_dump(mode="json"), allow_unicode=True), encoding="utf-8")
    code, out = run("import", str(file))
    assert (code, out.startswith("Nothing changed")) == (0, True)
    light_world.scan("tooth")
    light_world.scan("牙齿二号", energy="24 keV")
    root = str(light_world.layout.root)
    assert run("ingest", "--data-root", root, root)[1].startswith("2 created, 0 updated, 0 unchanged, 0 broken")
    assert run("ingest", str(light_world.folder()))[1].startswith("0 created, 0 updated, 2 unchanged, 0 broken")
    code, out = run("search", "energy", "12..13", "keV", role="team")
    assert code == 0
    head, row, *_ = out.splitlines()
    assert head.split() == ["ID", "NAME", "SAMPLE", "TECHNIQUE", "ENERGY", "SIZE", "MEASURED", "STATE"]
    dataset = row.split()[0]
    code, out = run("show", dataset, role="team")
    assert (code, out.splitlines()[0]) == (0, "tooth")
    assert "12.5 keV" in out
    assert json.loads(run("show", dataset, "--json", role="team")[1])["id"] == dataset


def test_columns_stay_aligned_with_chinese_names(light_world: World, run):
    for name in ("a", "牙齿二号"):
        light_world.scan(name)
    run("ingest", str(light_world.folder()))
    lines = run("search", role="team")[1].splitlines()[:3]

    def column(line: str) -> int:
        before = line[: line.index("molar" if "molar" in line else "SAMPLE")]
        return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in before)

    assert len({column(line) for line in lines}) == 1


def test_a_search_of_nothing_says_what_to_drop(light_world: World, run):
    light_world.scan("tooth")
    run("ingest", str(light_world.folder()))
    code, out = run("search", "tooth", "zebra", role="team")
    assert (code, "Without “zebra” there are 1." in out) == (0, True)


def test_ingest_reports_what_is_broken_and_what_is_refused(light_world: World, run):
    folder = light_world.scan("cut")
    (folder / "cut.h5").write_bytes((folder / "cut.h5").read_bytes()[:3000])
    code, out = run("ingest", str(folder))
    assert code == 0
    assert "1 broken" in out
    assert "cut.h5 is truncated: it has 3000 bytes" in out
    stray = light_world.layout.root / "BL1" / "202610" / "Data" / "BT-77" / "raw" / "x"
    stray.mkdir(parents=True)
    (stray / "x.chi").write_text("1 2\n3 4\n")
    code, out = run("ingest", str(stray))
    assert code == SOME_BROKEN
    assert "BT-77" in out


def test_nothing_there_and_elsewhere_are_said(light_world: World, run, tmp_path: Path):
    root = str(light_world.layout.root)
    for path in (str(light_world.folder() / "none"), str(tmp_path)):
        with pytest.raises(BeamtorchError) as error:
            run("ingest", "--data-root", root, path)
        assert path in error.value.detail.en
        assert error.value.exit_code != 0


def test_a_person_may_not_ingest(light_world: World, run):
    light_world.scan("tooth")
    with pytest.raises(CatalogueRefusedError) as error:
        run("ingest", str(light_world.folder()), role="team")
    assert error.value.code == "not-an-ingestor"


def test_the_installed_command_prints_one_sentence_and_fails(light_world: World):
    script = Path(sys.executable).parent / "beamtorch"
    if not script.exists():
        pytest.skip("the beamtorch command is not installed here")
    environment = {"BEAMTORCH_CATALOGUE_URL": light_world.url, "JUPYTERHUB_API_TOKEN": light_world.tokens["team"]}
    done = subprocess.run(
        [script, "catalogue", "search", "energy", "12..13", "kev"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode != 0
    assert "Did you mean keV?" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_an_address_it_is_said_what_is_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("BEAMTORCH_CATALOGUE_URL", raising=False)
    with pytest.raises(BeamtorchError) as error:
        command.main(["search", "x"])
    assert "BEAMTORCH_CATALOGUE_URL is not set" in error.value.detail.en
