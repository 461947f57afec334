"""How works are written down for others: compared with files that a person has read, and with the schema's rules."""

import json
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamtorch_catalogue.citing.citation import apa, bibtex, gbt_7714
from beamtorch_catalogue.citing.datacite import NAMESPACE, datacite_xml
from beamtorch_catalogue.citing.forms import Form, written
from beamtorch_catalogue.citing.prov import prov_json
from beamtorch_catalogue.citing.schema_org import json_ld
from beamtorch_catalogue.citing.work import Related, Relation, Stage, Work
from beamtorch_catalogue.wire.publications import Creator, Provenance, ProvenanceEdge, ProvenanceNode
from beamtorch_facility.dataset import DatasetId, DatasetKind
from beamtorch_facility.identity import Username
from beamtorch_facility.proposal import BeamlineId, BeamtimeId
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words

GOLDEN = Path(__file__).parent / "golden"
TODAY = date(2029, 11, 20)
ADA = Creator(
    name=Words(en="Ada Okafor", zh="阿达·奥卡福"),
    family_name="Okafor",
    given_name="Ada Jean-Luc",
    orcid="0000-0002-1825-0097",
    affiliation=Words(en="University of Lagos", zh="拉各斯大学"),
)
LIN = Creator(name=Words(en="Lin Qiao", zh="林乔"))
SOURCE = Words(en="Test Light Source", zh="测试光源")
DATASET = Work(
    pid="local/abcdefgh",
    url="https://light.example/services/catalogue/pid/local/abcdefgh",
    stage=Stage.WORLD,
    title=Words(en="tooth_0047: Old teeth & <seeds>", zh="tooth_0047：古代牙齿"),
    creators=(ADA, LIN),
    publisher=SOURCE,
    instrument=Words(en="Imaging", zh="成像"),
    year=2029,
    available_at=datetime(2029, 11, 20, tzinfo=UTC),
    measured_at=datetime(2026, 11, 18, 4, 7, 9, tzinfo=UTC),
    abstract=Words(en="A human tooth", zh="一颗牙齿"),
    subjects=("tomography", "raw", "tooth"),
    formats=("Data Exchange",),
    size=15_100_000_000,
    file_count=2,
    local_id="ds-abcdefgh",
    related=(
        Related(Relation.IS_PART_OF, "21.T11998/pub-x", "https://hdl.handle.net/21.T11998/pub-x"),
        Related(Relation.IS_DERIVED_FROM, "local/older", "https://light.example/services/catalogue/pid/local/older"),
    ),
)
PUBLICATION = Work(
    pid="10.12345/pub-teeth",
    url="https://doi.org/10.12345/pub-teeth",
    stage=Stage.REGISTERED,
    is_collection=True,
    title=Words(en="Teeth of the Neolithic", zh="新石器时代的牙齿"),
    creators=(LIN, ADA, ADA, LIN),
    publisher=SOURCE,
    year=2027,
    available_at=datetime(2027, 1, 2, 3, 4, tzinfo=UTC),
    abstract=Words(en="Scans of 40 teeth.", zh="40 颗牙齿的扫描。"),
    licence="CC-BY-4.0",
    related=(Related(Relation.HAS_PART, "10.12345/abcdefgh", "https://doi.org/10.12345/abcdefgh"),),
)
WITHHELD = Work(
    pid="local/hidden",
    url="https://light.example/services/catalogue/pid/local/hidden",
    stage=Stage.WITHHELD,
    title=None,
    publisher=SOURCE,
    instrument=Words(en="Imaging", zh="成像"),
    year=2029,
    available_at=datetime(2029, 11, 20, tzinfo=UTC),
)
WORKS = {"dataset": DATASET, "publication": PUBLICATION, "withheld": WITHHELD}
ENDINGS = {Form.DATACITE: "xml", Form.JSONLD: "json", Form.CITATION: "txt", Form.BIBTEX: "bib"}


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("name", WORKS)
def test_each_form_of_each_work_is_what_a_person_has_read(name: str, form: Form):
    expected = (GOLDEN / f"{name}.{ENDINGS[form]}").read_bytes()
    assert written(WORKS[name], form, TODAY) == expected


# The rules of metadata.xsd 4.5 for the elements that are written here: how often, which attributes (required ones with
# "!"), which words. Written from the schema, not copied, so that a misreading of one is not a misreading of both.
RELATIONS = {"HasPart", "IsPartOf", "IsDerivedFrom"}
RULES: dict[str, tuple[str, set[str], set[str]]] = {
    "identifier": ("1", set(), {"identifierType!"}),
    "creators": ("1", {"creator+"}, set()),
    "creators/creator": ("+", {"creatorName", "givenName?", "familyName?", "nameIdentifier*", "affiliation*"}, set()),
    "creators/creator/creatorName": ("1", set(), {"nameType", "lang"}),
    "creators/creator/givenName": ("?", set(), set()),
    "creators/creator/familyName": ("?", set(), set()),
    "creators/creator/nameIdentifier": ("*", set(), {"nameIdentifierScheme!", "schemeURI"}),
    "creators/creator/affiliation": ("*", set(), {"affiliationIdentifier", "affiliationIdentifierScheme"}),
    "titles": ("1", {"title+"}, set()),
    "titles/title": ("+", set(), {"titleType", "lang"}),
    "publisher": ("1", set(), {"publisherIdentifier", "publisherIdentifierScheme", "schemeURI", "lang"}),
    "publicationYear": ("1", set(), set()),
    "resourceType": ("1", set(), {"resourceTypeGeneral!"}),
    "subjects": ("?", {"subject*"}, set()),
    "subjects/subject": ("*", set(), {"subjectScheme", "schemeURI", "valueURI", "lang"}),
    "dates": ("?", {"date*"}, set()),
    "dates/date": ("*", set(), {"dateType!", "dateInformation"}),
    "alternateIdentifiers": ("?", {"alternateIdentifier*"}, set()),
    "alternateIdentifiers/alternateIdentifier": ("*", set(), {"alternateIdentifierType!"}),
    "relatedIdentifiers": ("?", {"relatedIdentifier*"}, set()),
    "relatedIdentifiers/relatedIdentifier": ("*", set(), {"relatedIdentifierType!", "relationType!"}),
    "sizes": ("?", {"size*"}, set()),
    "sizes/size": ("*", set(), set()),
    "formats": ("?", {"format*"}, set()),
    "formats/format": ("*", set(), set()),
    "rightsList": ("?", {"rights*"}, set()),
    "rightsList/rights": (
        "*",
        set(),
        {"rightsURI", "rightsIdentifier", "rightsIdentifierScheme", "schemeURI", "lang"},
    ),
    "descriptions": ("?", {"description*"}, set()),
    "descriptions/description": ("*", set(), {"descriptionType!", "lang"}),
}
WORDS: dict[str, set[str]] = {
    "nameType": {"Personal", "Organizational"},
    "titleType": {"TranslatedTitle", "AlternativeTitle", "Subtitle", "Other"},
    "resourceTypeGeneral": {"Dataset", "Collection"},
    "dateType": {"Available", "Collected"},
    "relatedIdentifierType": {"DOI", "Handle", "URL"},
    "relationType": RELATIONS,
    "descriptionType": {"Abstract"},
    "lang": {"en", "zh"},
}
NOT_EMPTY = {"identifier", "publisher", "publicationYear", "creators/creator/nameIdentifier"}
IN_ORDER = ["creatorName", "givenName", "familyName", "nameIdentifier", "affiliation"]


def broken_rules(document: bytes) -> list[str]:
    root = ET.fromstring(document)
    found = [] if root.tag == f"{{{NAMESPACE}}}resource" else [f"root {root.tag}"]
    for child in root:
        found += look(child, name_of(child))
    names = [name_of(child) for child in root]
    for path, (often, _, _) in RULES.items():
        times = names.count(path)
        if "/" not in path and (times > 1 or (often == "1" and not times)):
            found.append(f"{path} {times} times")
    year = root.findtext(f"{{{NAMESPACE}}}publicationYear") or ""
    return found if len(year) == 4 and year.isdigit() else [*found, f"year {year}"]


def name_of(element: ET.Element) -> str:
    return element.tag.removeprefix(f"{{{NAMESPACE}}}")


def look(element: ET.Element, path: str) -> list[str]:
    if path not in RULES:
        return [f"{path} is not in the schema"]
    children = [name_of(child) for child in element]
    found = wrong_attributes(element, path)
    if path in NOT_EMPTY and not (element.text or "").strip():
        found.append(f"{path} is empty")
    if path == "creators/creator" and children != sorted(children, key=IN_ORDER.index):
        found.append(f"{path} out of order: {children}")
    for rule in RULES[path][1]:
        times = children.count(rule.rstrip("+*?"))
        if (rule[-1] not in "*?" and not times) or (rule[-1] not in "+*" and times > 1):
            found.append(f"{path}: {rule} {times} times")
    for child, name in zip(element, children, strict=True):
        found += look(child, f"{path}/{name}")
    return found


def wrong_attributes(element: ET.Element, path: str) -> list[str]:
    rules = RULES[path][2]
    present = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
    found = [f"{path}: {name}" for name in present.keys() - {rule.rstrip("!") for rule in rules}]
    found += [f"{path} lacks {rule}" for rule in rules if rule.endswith("!") and rule[:-1] not in present]
    return found + [
        f"{path} {name}={value}" for name, value in present.items() if value not in WORDS.get(name, {value})
    ]


@pytest.mark.parametrize("name", WORKS)
def test_datacite_records_keep_the_rules_of_the_schema(name: str):
    assert broken_rules(datacite_xml(WORKS[name])) == []


def test_the_rules_find_what_breaks_them():
    good = datacite_xml(DATASET).decode()
    for old, new in [
        ("<publicationYear>2029</publicationYear>", ""),
        ("<publicationYear>2029", "<publicationYear>29"),
        ('identifierType="Local"', ""),
        ('dateType="Available"', 'dateType="Opened"'),
        ("<givenName>Ada Jean-Luc</givenName>", ""),
    ]:
        bad = good.replace(old, new)
        if "givenName" in old:
            bad = bad.replace("<creatorName", "<givenName>Ada</givenName><creatorName", 1)
        assert bad != good
        assert broken_rules(bad.encode()), old


TEXT = st.text(max_size=40)
SAID = st.builds(Words, en=TEXT.filter(str.strip), zh=TEXT.filter(str.strip))


@given(title=SAID, name=SAID, publisher=SAID, subject=TEXT)
def test_whatever_people_write_stays_well_formed_in_every_form(
    title: Words, name: Words, publisher: Words, subject: str
):
    work = Work(
        pid="local/x",
        url="https://light.example/pid/local/x",
        stage=Stage.WORLD,
        title=title,
        creators=(Creator(name=name),),
        publisher=publisher,
        year=2026,
        subjects=(subject,),
    )
    root = ET.fromstring(datacite_xml(work))
    assert root.find(f"{{{NAMESPACE}}}titles/{{{NAMESPACE}}}title") is not None
    assert json.loads(json.dumps(json_ld(work)))["@id"] == work.url
    for line in (apa(work), gbt_7714(work, TODAY)):
        assert len(line.splitlines()) == 1
    entry = bibtex(work)
    plain = entry.replace("\\{", "").replace("\\}", "")
    assert plain.count("{") == plain.count("}")
    assert len(entry.splitlines()) == 7


def test_a_name_whose_parts_nobody_named_is_not_taken_apart():
    assert "Lin Qiao" in apa(PUBLICATION)
    assert "Qiao, L." not in apa(PUBLICATION)
    assert "<familyName>Qiao" not in datacite_xml(PUBLICATION).decode()


def test_more_than_three_people_are_et_al_in_chinese_and_more_than_twenty_are_cut_in_english():
    assert gbt_7714(PUBLICATION, TODAY).startswith("林乔, 阿达·奥卡福, 阿达·奥卡福, 等. ")
    many = tuple(Creator(name=Words(en=f"Person {n}", zh=f"某人 {n}")) for n in range(25))
    crowd = Work(**{**PUBLICATION.__dict__, "creators": many})
    assert "Person 18, … Person 24 (2027)" in apa(crowd)
    assert "Person 19" not in apa(crowd)


@pytest.mark.parametrize(
    ("orcid", "is_good"),
    [("0000-0002-1825-0097", True), ("0000-0002-1694-233X", True), ("0000-0002-1825-0096", False)],
)
def test_an_orcid_with_a_wrong_digit_is_refused(orcid: str, is_good: bool):  # noqa: FBT001 - a row of a table
    with nullcontext() if is_good else pytest.raises(ValueError, match="does not fit"):
        assert Creator(name=Words(en="A", zh="甲"), orcid=orcid).orcid == orcid


def test_a_withheld_work_tells_nothing_in_any_form_but_its_facility_and_day():
    for form in Form:
        text = written(WITHHELD, form, TODAY).decode()
        assert "2029" in text
        assert "local/hidden" in text
        if form is Form.DATACITE:
            assert text.count(":unal") == 2


def graph() -> Provenance:
    def node(name: str, kind: DatasetKind, distance: int, **more: object) -> ProvenanceNode:
        values: dict[str, object] = {
            "dataset": DatasetId(f"ds-{name}"),
            "pid": f"local/{name}",
            "name": name,
            "kind": kind,
            "technique": "tomography",
            "beamline": BeamlineId("BL-B7"),
            "beamtime": BeamtimeId("BT-26-0417"),
            "sample": "tooth",
            "at": datetime(2026, 11, 18, 4, distance, tzinfo=UTC),
            "by": Username("lin.qiao"),
            "software": None,
            "software_version": None,
            "parameters": {},
            "recipe": None,
            "distance": distance,
        }
        return ProvenanceNode.model_validate(values | more)

    volume = node(
        "volume",
        DatasetKind.PROCESSED,
        0,
        software="beamtorch ct",
        software_version="0.3.1",
        parameters={"centre": Quantity(value=1023.62, unit="px"), "filter": "ramp"},
        recipe="/data/processed/recipe.yaml",
    )
    raw, flat = node("scan_one", DatasetKind.RAW, 1), node("flats", DatasetKind.CALIBRATION, 1, sample=None)
    edges = tuple(ProvenanceEdge(child=volume.dataset, parent=one.dataset) for one in (flat, raw))
    return Provenance(dataset=volume.dataset, nodes=(volume, flat, raw), edges=edges, is_cut=False)


def test_prov_is_what_a_person_has_read():
    document = prov_json(graph(), pages="https://light.example/services/catalogue/page/")
    assert document == json.loads((GOLDEN / "prov.json").read_text(encoding="utf-8"))


def test_every_name_that_a_relation_of_prov_uses_is_told():
    document = prov_json(graph(), pages="https://light.example/page/")
    told = {name for kind in ("entity", "activity", "agent") for name in document[kind]}
    relations = {k: v for k, v in document.items() if k not in {"prefix", "entity", "activity", "agent"}}
    assert set(relations) == {"wasGeneratedBy", "used", "wasDerivedFrom", "wasAttributedTo", "wasAssociatedWith"}
    names = [name for kind in relations.values() for name in kind]
    assert len(names) == len(set(names))
    for kind in relations.values():
        for relation in kind.values():
            used = {value for key, value in relation.items() if key.startswith("prov:") and key != "prov:time"}
            assert used <= told
    assert all(name.partition(":")[0] in document["prefix"] for name in told)
