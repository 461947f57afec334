"""Every text of the panel exists in Chinese, and a lab opens in its person's language."""

import json
import re
from pathlib import Path

import pytest

import beamtorch_labextensions
from beamtorch_labextensions.language import offer_language

PACKAGE = Path(beamtorch_labextensions.__file__).parent
BROWSER = PACKAGE.parent / "beamtorch-lab"
LOCALE = PACKAGE / "locale" / "zh_CN" / "LC_MESSAGES" / "beamtorch_lab.json"

_ONE = re.compile(r"trans\s*\.__\(\s*'((?:[^'\\]|\\.)*)'")
_MANY = re.compile(r"trans\s*\._n\(\s*'((?:[^'\\]|\\.)*)',\s*'((?:[^'\\]|\\.)*)'")
_CALL = re.compile(r"trans\s*\.(?:__|_n|_p|_np)\(")


@pytest.fixture(scope="module")
def chinese():
    return json.loads(LOCALE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def sources():
    return {path: path.read_text(encoding="utf-8") for path in sorted((BROWSER / "src").rglob("*.ts*"))}


def test_every_text_of_the_panel_is_in_chinese_and_no_other(sources, chinese):
    text = "\n".join(sources.values())
    one, many = set(_ONE.findall(text)), {single for single, _ in _MANY.findall(text)}
    schemas = [json.loads(path.read_text(encoding="utf-8")) for path in (BROWSER / "schema").glob("*.json")]
    said = one | many | {schema[name] for schema in schemas for name in ("title", "description")}

    assert said - chinese.keys() == set()
    assert chinese.keys() - said - {""} == set()
    assert all(len(chinese[single]) == 2 for single in many), "JupyterLab ignores a plural with one form"
    assert all(len(chinese[single]) == 1 for single in one)


def test_no_text_of_the_panel_escapes_the_extraction(sources):
    for path, text in sources.items():
        assert len(_CALL.findall(text)) == len(_ONE.findall(text)) + len(_MANY.findall(text)), path


def test_a_translation_has_the_same_blanks_to_fill(chinese):
    for english, forms in chinese.items():
        for form in forms if english else []:
            assert sorted(re.findall(r"%\d", form)) == sorted(re.findall(r"%\d", english)), english


def test_the_head_is_what_jupyterlab_looks_up(chinese):
    # Its gettext looks for "zh-CN", while the folder is zh_CN; with the other spelling nothing is translated.
    assert chinese[""] == {"domain": "beamtorch_lab", "language": "zh-CN", "plural_forms": "nplurals=1; plural=0;"}


@pytest.mark.parametrize(("tag", "is_offered"), [("zh-CN", True), ("zh", True), ("en", False), ("", False)])
def test_a_lab_opens_in_chinese_for_those_who_prefer_it(tag, is_offered):
    environment = {"BEAMTORCH_LANGUAGE": tag, "JUPYTER_CONFIG_PATH": "/etc/site"}
    offer_language(environment)
    offer_language(environment)
    first, *ours = environment["JUPYTER_CONFIG_PATH"].split(":")
    assert first == "/etc/site"
    assert len(ours) == is_offered
    for folder in ours:
        defaults = json.loads((Path(folder) / "labconfig" / "default_setting_overrides.json").read_text())
        assert defaults["@jupyterlab/translation-extension:plugin"]["locale"] == LOCALE.parents[1].name
