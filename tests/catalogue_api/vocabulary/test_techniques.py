"""Techniques: one short name, many names that lead to it."""

import re
from pathlib import Path

import pytest

from beamtorch_catalogue.portal import labels
from beamtorch_catalogue.vocabulary import SHIPPED
from beamtorch_catalogue.vocabulary.placed import VocabularyFileError
from beamtorch_hub.demo.spec import load_spec

NAMED_BEFORE = (
    "tomography",
    "total scattering",
    "powder diffraction",
    "pair distribution function",
    "crystallography",
    "ptychography",
    "fluorescence",
    "absorption",
)


OF_FILES = ("small-angle scattering", "absorption spectroscopy", "photon correlation")


def test_the_names_that_datasets_carry_are_techniques_here():
    demo = {one.technique for one in load_spec().instruments} | {one.technique for one in load_spec().datasets}
    for name in (*NAMED_BEFORE, *OF_FILES, *demo):
        assert SHIPPED.get(name) is not None, name
        assert labels.technique(name) == SHIPPED.label(name)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("CT", "tomography"),
        ("x-ray tomography", "tomography"),
        ("X 射线层析", "tomography"),
        ("panet01207", "tomography"),
        ("http://purl.org/pan-science/PaNET/PaNET01207", "tomography"),
        ("SAXS", "small-angle scattering"),
        ("Small angle scattering", "small-angle scattering"),
        ("ＸＲＦ", "fluorescence"),
        ("对分布函数", "pair distribution function"),
        ("NXxpcs", "photon correlation"),
    ],
)
def test_every_usual_name_leads_to_the_short_one(written: str, name: str):
    assert SHIPPED.technique_of(written) == name


def test_a_name_that_nobody_has_leads_nowhere_and_means_itself():
    assert SHIPPED.technique_of("dowsing") is None
    assert SHIPPED.meant("dowsing") == ("dowsing",)
    assert SHIPPED.label("dowsing").en == "Dowsing"


def test_a_broader_technique_includes_the_narrower_ones_of_every_depth():
    assert {"absorption", "absorption spectroscopy", "near-edge absorption"} <= SHIPPED.narrower("spectroscopy")
    assert "phase contrast tomography" in SHIPPED.narrower("imaging")
    assert SHIPPED.narrower("ptychography") == {"ptychography"}
    assert set(SHIPPED.meant("层析")) == SHIPPED.narrower("tomography")


def test_each_technique_has_both_languages_and_at_most_one_term_of_panet():
    told = SHIPPED.all()
    terms = [one.panet for one in told if one.panet]
    assert len(told) >= 30
    assert len(terms) == len(set(terms))
    for one in told:
        assert re.search(r"[\u4e00-\u9fff]", one.label.zh), one.name
        assert (one.panet is None) == (one.term is None)
        assert one.iri is None or one.iri.startswith("http://purl.org/pan-science/PaNET/PaNET0")


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "techniques.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_facility_adds_techniques_of_its_own_and_narrows_known_ones(tmp_path: Path):
    own = SHIPPED.with_file(
        written(
            tmp_path,
            "techniques:\n"
            "  - { name: laminography, label: { en: Laminography, zh: 层扫 }, also: [CL], broader: [tomography] }\n",
        )
    )
    assert own.technique_of("cl") == "laminography"
    assert "laminography" in own.narrower("imaging")
    assert SHIPPED.get("laminography") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "techniques:\n  - { name: own, label: { en: Own, zh: 自有 }, also: [CT] }",
            "line 2, techniques[1]: “ct” is a",
        ),
        (
            "techniques:\n  - name: own\n    label: { en: Own, zh: 自有 }\n    broader: [magic]",
            "line 4, techniques[1].broader: “magic” is no technique",
        ),
        (
            "techniques:\n  - { name: own, label: { en: Own, zh: 自有 }, broader: [own] }",
            "“own” is itself a part of “own”",
        ),
        ("techniques:\n  - { name: own, label: { en: Own } }", "line 2, techniques[1].label.zh: Field required"),
        ("techniques:\n  - { name: own, label: { en: Own, zh: ' ' } }", "both languages have to say something"),
        ("techniques: []", "line 1, techniques: "),
        ("technique: []", "techniques: Field required"),
        ("- own", "line 1: it has to consist of"),
        ("techniques: [", "line 1"),
        ("techniques: []\ntechniques: []", "line 2: “techniques” is said twice"),
        ("techniques:\n  - { 1: own }", "line 2: a name has to be a text"),
    ],
)
def test_a_mistake_in_a_facilitys_file_is_told_with_its_line(tmp_path: Path, text: str, said: str):
    path = written(tmp_path, text)
    with pytest.raises(VocabularyFileError) as error:
        SHIPPED.with_file(path)
    assert said in error.value.detail.en
    assert str(path) in error.value.detail.en
    assert str(path) in error.value.detail.zh
    assert "Mend the file" in error.value.detail.en
