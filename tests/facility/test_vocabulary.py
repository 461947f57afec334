"""The words of the facility: names are checked where they come in, places are known in one file."""

from datetime import date
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from beamtorch_facility import (
    Area,
    BeamlineId,
    BeamtimeId,
    DataLayout,
    Identity,
    ProposalId,
    UnknownPersonError,
    Username,
    Words,
    YamlDirectory,
)
from beamtorch_facility.data_layout import OutsideDataError
from beamtorch_facility.directory import DirectoryError, dump_people
from beamtorch_facility.identifier import MalformedNameError


@pytest.mark.parametrize("text", ["", "..", "a/b", "a b", "Ä", "x" * 65, "-x", "a\n"])
def test_a_name_that_could_lead_elsewhere_is_refused(text):
    with pytest.raises(MalformedNameError) as refused:
        ProposalId(text)
    assert refused.value.detail.zh


def test_a_model_refuses_what_the_name_refuses():
    with pytest.raises(ValidationError):
        TypeAdapter(Username).validate_python("Robert'); drop table")
    assert TypeAdapter(Username).validate_python("lin.qiao") == "lin.qiao"


def test_a_path_tells_its_beamtime_and_area(tmp_path):
    layout = DataLayout(tmp_path)
    folder = layout.folder(BeamlineId("BL-B7"), BeamtimeId("BT-26-0417"), date(2026, 11, 19))
    scan = folder.area(Area.RAW) / "tooth" / "tooth.h5"
    assert scan == tmp_path / "BL-B7/202611/Data/BT-26-0417/raw/tooth/tooth.h5"
    assert layout.locate(scan) == (folder, Area.RAW)


@pytest.mark.parametrize(
    "path", ["BL-B7/202611/Data/BT-1", "BL-B7/2026/Data/BT-1/raw/x", "BL-B7/202611/Data/BT-1/etc/x"]
)
def test_a_path_outside_the_four_areas_is_refused(tmp_path, path):
    with pytest.raises(OutsideDataError):
        DataLayout(tmp_path).locate(tmp_path / path)


def test_a_link_that_leads_out_of_the_data_is_refused(tmp_path):
    root, outside = tmp_path / "data", tmp_path / "elsewhere"
    (root / "BL-B7/202611/Data/BT-1/raw").mkdir(parents=True)
    outside.mkdir()
    (root / "BL-B7/202611/Data/BT-1/raw/link").symlink_to(outside)
    with pytest.raises(OutsideDataError):
        DataLayout(root).locate(root / "BL-B7/202611/Data/BT-1/raw/link/secret.h5")


def person(name: str, *groups: str) -> Identity:
    return Identity(
        username=Username(name), full_name=Words(en=name.title(), zh=name), uid=12001, gid=12001, groups=groups
    )


def test_groups_say_team_staff_and_admin():
    someone = person("mei", "proposal-2026-1417", "staff-BL-B7", "facility-admin")
    assert someone.proposals == {"2026-1417"}
    assert someone.staffed_beamlines == {"BL-B7"}
    assert someone.is_admin
    assert not person("tom", "facility-admins").is_admin


def test_a_group_that_names_nothing_grants_nothing_and_locks_nobody_out():
    someone = person("mei", "proposal-", "proposal-../x", "staff-", "proposal-2026-1417")
    assert someone.proposals == {"2026-1417"}
    assert someone.staffed_beamlines == frozenset()


def test_the_directory_is_read_afresh_at_each_question(tmp_path: Path):
    path = tmp_path / "directory.yaml"
    path.write_text(dump_people([person("lin")]), encoding="utf-8")
    directory = YamlDirectory(path)
    assert directory.person(Username("lin")).groups == ()
    path.write_text(dump_people([person("lin", "proposal-2026-1417")]), encoding="utf-8")
    assert directory.person(Username("lin")).proposals == {"2026-1417"}
    with pytest.raises(UnknownPersonError):
        directory.person(Username("nobody"))


def test_a_directory_that_cannot_be_read_names_the_file(tmp_path: Path):
    path = tmp_path / "directory.yaml"
    path.write_text("people: [{username: lin}]", encoding="utf-8")
    with pytest.raises(DirectoryError, match=r"directory\.yaml"):
        YamlDirectory(path).person(Username("lin"))
