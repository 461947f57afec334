"""The user office as a folder of CSV files: what spreadsheets write is read, and every fault is told with its place."""

from datetime import date
from pathlib import Path

import pytest

from beamtorch_catalogue.office import OfficeError, open_office
from beamtorch_facility.words import Words

FILES = {
    "instruments.csv": "beamline,name_en,name_zh,technique\nBL1,Imaging,成像线站,tomography\nBL2,,散射线站,\n",
    "stations.csv": "beamline,station,name_en,name_zh\nBL1,hutch-a,Hutch A,甲站\n",
    "people.csv": "username,name_en,name_zh,affiliation_en,orcid\n"
    "ada,Ada Okafor,阿达,Lund,0000-0002-1825-0097\nbo,Bo,,,\n",
    "proposals.csv": "proposal,title_en,principal_investigator,embargo_months,released_to\n"
    'P1,"Old, old\nteeth",ada,12,world\n',
    "roles.csv": "proposal,username,role\nP1,bo,co-proposer\nP1,bo,local-contact\n",
    "beamtimes.csv": "beamtime,proposal,beamline,start,end,station\n"
    "BT-1,P1,BL1,2026-10-05,2026-10-07T08:00:00Z,hutch-a\n",
    "samples.csv": "sample,proposal,description_en,formula\nmolar,P1,A molar,Ca5(PO4)3OH\n",
}


def write(folder: Path, files: dict[str, str] | None = None, *, encoding: str = "utf-8") -> Path:
    for name, content in (FILES if files is None else files).items():
        (folder / name).write_bytes(content.encode(encoding))
    return folder


def told(folder: Path) -> str:
    with pytest.raises(OfficeError) as error:
        open_office("csv", folder).records()
    assert "Nothing was sent" in error.value.detail.en
    assert "未发送任何内容" in error.value.detail.zh
    return error.value.detail.en


def changed(tmp_path: Path, name: str, old: str, new: str) -> Path:
    assert old in FILES[name]
    return write(tmp_path, FILES | {name: FILES[name].replace(old, new)})


def test_everything_is_read(tmp_path: Path):
    records = open_office("csv", write(tmp_path)).records()
    assert records.name is None
    first, second = records.instruments
    assert [(s.station, s.name.zh) for s in first.stations] == [("hutch-a", "甲站")]
    assert (second.name, second.technique) == (Words(en="散射线站", zh="散射线站"), "")
    ada, bo = records.people
    assert (ada.orcid, ada.affiliation, bo.affiliation) == ("0000-0002-1825-0097", Words(en="Lund", zh="Lund"), None)
    (proposal,) = records.proposals
    assert (proposal.title.en, proposal.embargo_months, proposal.released_to) == ("Old, old\nteeth", 12, "world")
    assert [(r.username, r.role) for r in proposal.people] == [("bo", "co-proposer"), ("bo", "local-contact")]
    assert (records.beamtimes[0].end, records.beamtimes[0].station) == (date(2026, 10, 7), "hutch-a")
    assert records.samples[0].formula == "Ca5(PO4)3OH"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_what_spreadsheets_write_is_the_same(tmp_path: Path, encoding: str, ending: str, separator: str):
    plain = {name: content for name, content in FILES.items() if name != "proposals.csv"} | {
        "proposals.csv": "proposal,title_en,principal_investigator\nP1,Teeth,ada\n"
    }
    other = {name: content.replace(",", separator).replace("\n", ending) for name, content in plain.items()}
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    wanted = open_office("csv", write(tmp_path / "a", plain)).records()
    assert open_office("csv", write(tmp_path / "b", other, encoding=encoding)).records() == wanted


def test_empty_lines_and_spaces_mean_nothing(tmp_path: Path):
    write(tmp_path, {"people.csv": " username , name_en\n\n , \n  ada , Ada Okafor \n"})
    (ada,) = open_office("csv", tmp_path).records().people
    assert (ada.username, ada.name.en) == ("ada", "Ada Okafor")


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("people.csv", "0000-0002-1825-0097", "1825", "people.csv, line 2, column orcid: “1825”"),
        ("people.csv", "\nbo", "\nBo B", "people.csv, line 3, column username: “Bo B”"),
        ("people.csv", "\nbo", "\nada", "people.csv, line 3: ada is there twice, first at people.csv, line 2"),
        ("people.csv", "bo,Bo", "bo,", "people.csv, line 3, column name_en: is empty"),
        ("people.csv", "orcid", "orkid", "line 1, column orkid: is not known. Did you mean orcid?"),
        ("people.csv", "username", "orcid", "people.csv, line 1, column orcid: is there twice"),
        ("roles.csv", "role\n", "\n", "roles.csv, line 1, column role: is missing"),
        (
            "roles.csv",
            "P1,bo,local",
            "P7,bo,local",
            "roles.csv, line 3, column proposal: P7 is not among the proposals",
        ),
        ("roles.csv", "co-proposer", "Co Proposer", "roles.csv, line 2, column role: “Co Proposer”"),
        ("stations.csv", "BL1", "BL7", "stations.csv, line 2, column beamline: BL7 is not among the instruments"),
        ("proposals.csv", "12,world", "soon,world", "proposals.csv, line 2, column embargo_months: “soon”"),
        ("proposals.csv", "world", "everybody", "proposals.csv, line 2, column released_to: “everybody”"),
        ("proposals.csv", 'teeth",ada', 'teeth",', "proposals.csv, line 2, column principal_investigator: is empty"),
        ("beamtimes.csv", "2026-10-05", "5.10.2026", "beamtimes.csv, line 2, column start: “5.10.2026”"),
        ("samples.csv", "A molar", "A, molar", "samples.csv, line 2: has 5 cells where the first line has 4"),
        ("samples.csv", "A molar", '"A molar', "samples.csv, line 2: is not CSV"),
    ],
)
def test_a_fault_is_told_with_file_line_and_column(tmp_path: Path, file: str, old: str, new: str, said: str):
    assert said in told(changed(tmp_path, file, old, new))


def test_all_faults_of_all_files_are_told_at_once(tmp_path: Path):
    text = told(
        write(
            tmp_path,
            FILES
            | {
                "people.csv": "username,name_en\nA!,Ada\n",
                "proposals.csv": "proposal,title_en,principal_investigator\nP 1,T,ada\n",
                "samples.csv": "sample,proposal\n",
                "proposal.csv": "",
            },
        )
    )
    for place in (
        "people.csv, line 2, column username",
        "proposals.csv, line 2, column proposal",
        "samples.csv, line 1, column description_en: is missing",
        "proposal.csv: holds nothing that the catalogue knows. Did you mean proposals.csv?",
        "roles.csv, line 2, column proposal",
    ):
        assert place in text, text


def test_a_file_of_another_encoding_is_told_with_its_line(tmp_path: Path):
    write(tmp_path, {"people.csv": "username,name_zh\nada,阿达\n"}, encoding="gbk")
    assert "people.csv, line 2: is not UTF-8. Save the file as “CSV UTF-8”" in told(tmp_path)


def test_an_empty_file_and_an_empty_folder_are_told(tmp_path: Path):
    assert "holds none of instruments.csv" in told(tmp_path)
    write(tmp_path, {"people.csv": ""})
    assert "people.csv, line 1: is empty. Its first line names the columns: username" in told(tmp_path)
    with pytest.raises(OfficeError) as error:
        open_office("csv", tmp_path / "none").records()
    assert "No such file" in error.value.detail.en


def test_thousands_of_faults_are_counted_not_listed(tmp_path: Path):
    rows = "".join(f"!{n},x\n" for n in range(3000))
    write(tmp_path, {"people.csv": f"username,name_en\n{rows}"})
    text = told(tmp_path)
    assert "and 2980 more" in text
    assert len(text) < 5000
