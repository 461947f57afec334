"""Files of metadata models: what they make, and what is said about their mistakes."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from beamtorch_catalogue.vocabulary import FacilityVocabulary, MetadataModel
from beamtorch_catalogue.vocabulary.metadata_model import NotMigratedError, reason_of
from beamtorch_catalogue.vocabulary.placed import VocabularyFileError

EXAMPLES = Path(__file__).parents[2] / "data" / "models"
LABEL = {"en": "Own", "zh": "自有"}


def load(folder: Path, **files: str) -> FacilityVocabulary:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return FacilityVocabulary.load(folder)


def model_of(**changes: Any) -> dict[str, Any]:
    field = {"name": "depth", "type": "number", "unit": "mm", "label": LABEL}
    return {"model": "own", "version": 1, "techniques": ["CT"], "label": LABEL, "fields": [field], **changes}


def one(folder: Path, **changes: Any) -> MetadataModel:
    found = load(folder, own_yaml=yaml.safe_dump(model_of(**changes), allow_unicode=True)).models.get("own")
    assert found is not None
    return found


def furnace() -> MetadataModel:
    found = FacilityVocabulary.load(EXAMPLES).models.get("furnace")
    assert found is not None
    return found


def test_the_examples_can_be_used():
    models = FacilityVocabulary.load(EXAMPLES).models
    assert [model.name for model in models.all()] == ["furnace", "powder_environment"]
    assert [model.name for model in models.for_technique("microtomography")] == ["furnace"]
    assert [model.name for model in models.for_technique("pair distribution function")] == ["powder_environment"]
    assert models.for_technique("absorption") == ()


def test_without_a_folder_there_are_only_the_shipped_techniques():
    assert FacilityVocabulary.load(None).models.all() == ()
    assert FacilityVocabulary.load(None).techniques.technique_of("XRF") == "fluorescence"


def test_numbers_keep_their_unit_and_come_in_the_fields_own_without_one():
    model = furnace()
    content = model.read({"ramp": 5, "holds": [300, {"value": 900, "unit": "K"}, {"value": 20, "unit": "C"}]})
    assert content["ramp"] == {"value": 5.0, "unit": "K/min"}
    assert content["holds"][1:] == [{"value": 900.0, "unit": "K"}, {"value": 20.0, "unit": "C"}]
    ramp, holds = model.values(content)
    assert (ramp.parameter, ramp.dimension) == ("furnace_ramp", "[temperature] [time]^-1")
    assert ramp.si == pytest.approx(5 / 60)
    assert (holds.text, holds.value) == ("300 degC, 900 K, 20 C", None)


def test_an_unknown_unit_keeps_its_text_and_is_not_compared():
    (value,) = furnace().values(furnace().read({"ramp": {"value": 1e6, "unit": "wombats"}}))
    assert (value.value, value.unit, value.dimension, value.si) == (1e6, "wombats", None, None)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "ramp: Field required"),
        ({"ramp": "5"}, "ramp: Input should be a valid number"),
        ({"ramp": True}, "ramp: Input should be a valid number"),
        ({"ramp": float("nan")}, "ramp: Input should be a finite number"),
        ({"ramp": 10**400}, "ramp: Input should be a valid number"),
        ({"ramp": 201}, "ramp: 201 K/min is more than 200 K/min"),
        ({"ramp": {"value": 4, "unit": "K/s"}}, "ramp: 4 K/s is more than 200 K/min"),
        ({"ramp": -1}, "ramp: -1 K/min is less than 0 K/min"),
        ({"ramp": {"value": 1, "unit": "kg"}}, "such as K/min, but “kg” is a mass"),
        ({"ramp": {"value": 1, "unit": ""}}, "but “no unit” is a plain number"),
        ({"ramp": {"value": 1, "unit": "K/min\x00"}}, "ramp.unit: "),
        ({"ramp": 1, "atmosphere": "helium"}, "atmosphere: Input should be 'air', 'argon' or 'vacuum'"),
        ({"ramp": 1, "cycles": 1.5}, "cycles: Input should be a valid integer"),
        ({"ramp": 1, "cycles": 0}, "cycles: Input should be greater than or equal to 1"),
        ({"ramp": 1, "cycles": 2**60}, "cycles: Input should be less than or equal to"),
        ({"ramp": 1, "quenched": 1}, "quenched: Input should be a valid boolean"),
        ({"ramp": 1, "started": 5}, "started: write date and time as a text"),
        ({"ramp": 1, "started": "2026-10-05T14:30:00"}, "started: Input should have timezone info"),
        ({"ramp": 1, "remarks": "a\x00b"}, "remarks: "),
        ({"ramp": 1, "remarks": "\ud800"}, "remarks: "),
        ({"ramp": 1, "remarks": "x" * 2001}, "remarks: String should have at most 2000 characters"),
        ({"ramp": 1, "holds": 300}, "holds: Input should be a valid tuple"),
        ({"ramp": 1, "holds": [300] * 1001}, "holds: Tuple should have at most 1000 items"),
        ({"ramp": 1, "holds": [300, "hot"]}, "holds.1: Input should be a valid number"),
        ({"ramp": 1, "field_0": 2}, "field_0: Extra inputs are not permitted"),
        ([1], "Input should be a valid dictionary"),
    ],
)
def test_a_wrong_document_is_refused_with_the_name_of_its_field(document: Any, said: str):
    with pytest.raises(ValidationError) as error:
        furnace().read(document)
    assert said in reason_of(error.value)


def test_a_field_may_be_called_anything(tmp_path: Path):
    names = ("json", "model_dump", "copy", "class", "schema", "field_0", "number", "validate")
    model = one(tmp_path, fields=[{"name": name, "type": "integer", "label": LABEL} for name in names])
    document = dict.fromkeys(names, 1)
    assert model.read(document) == document
    assert set(model.schema()["properties"]) == set(names)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["ramp", "holds", "atmosphere", "cycles", "started", "remarks"]), json_values))
def test_whatever_somebody_sends_is_kept_as_it_is_or_refused(document: dict[str, Any]):
    model = furnace()
    try:
        content = model.read(document)
    except ValidationError:
        return
    assert model.read(json.loads(json.dumps(content))) == content
    assert {value.parameter for value in model.values(content)} == {f"furnace_{name}" for name in content}


def test_both_languages_of_a_choice_are_words_and_a_text_that_is_not_searched_is_none(tmp_path: Path):
    assert {"氩气", "Argon", "argon"} <= set(furnace().words({"atmosphere": "argon"}))
    model = one(tmp_path, fields=[{"name": "remarks", "type": "text", "search": False, "label": LABEL}])
    assert "secret" not in set(model.words({"remarks": "secret"}))


def test_search_facets_and_pages_learn_the_names_of_fields():
    models = FacilityVocabulary.load(EXAMPLES).models
    assert models.parameters()["furnace_ramp"] == {"[temperature] [time]^-1"}
    assert models.parameters()["furnace_cycles"] == {""}
    assert "furnace_atmosphere" not in models.parameters()
    assert models.aliases()["ramp rate"] == models.aliases()["升温速率"] == "furnace_ramp"
    assert models.aliases()["原位加热炉升温速率"] == models.aliases()["in-situ furnace ramp rate"] == "furnace_ramp"
    facets = {facet.parameter: facet for facet in models.facets()}
    assert facets["furnace_atmosphere"].choices["argon"].zh == "氩气"
    assert facets["furnace_quenched"].choices["true"].zh == "是"
    assert facets["furnace_quenched"].label.en == "Quenched"
    label, written = models.label("furnace_ramp"), models.written("furnace_atmosphere", "air")
    assert label is not None
    assert written is not None
    assert (label.zh, written.zh) == ("升温速率", "空气")
    assert models.label("energy") is None
    assert models.written("furnace_remarks", "air") is None
    titles = [title.en for title, _ in models.groups()]
    assert titles == ["In-situ furnace", "Powder sample environment"]


def test_a_label_that_two_models_share_leads_to_neither_without_the_models(tmp_path: Path):
    label = {"en": "Other", "zh": "其他"}
    models = load(
        tmp_path,
        own_yaml=yaml.safe_dump(model_of()),
        other_yaml=yaml.safe_dump(model_of(model="other", label=label)),
    ).models
    assert "own" not in models.aliases()
    assert models.aliases()["own own"] == "own_depth"
    assert models.aliases()["其他自有"] == "other_depth"


def field_of(**changes: Any) -> list[dict[str, Any]]:
    return [{"name": "depth", "type": "number", "unit": "mm", "label": LABEL, **changes}]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"techniques": ["dowsing"]}, "techniques[1]: “dowsing” is no technique; GET /techniques lists them"),
        ({"techniques": []}, "techniques: "),
        ({"model": "Own Model"}, "model: String should match pattern"),
        ({"version": 0}, "version: Input should be greater than or equal to 1"),
        ({"version": "1"}, "version: Input should be a valid integer"),
        ({"label": {"en": "Own"}}, "label.zh: Field required"),
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
        ({"fields": []}, "fields: "),
        ({"fields": field_of(type="colour")}, "fields[1]: Input tag 'colour'"),
        ({"fields": field_of(unit="wombats")}, "“wombats” is not a unit"),
        ({"fields": field_of(unit="kev")}, "did you mean keV?"),
        ({"fields": field_of(minimum=2, maximum=1)}, "“minimum” is more than “maximum”"),
        ({"fields": field_of(facet=True)}, "only texts, choices and yes-or-no fields can be facets"),
        ({"fields": field_of(search=True)}, "fields[1].search: Extra inputs are not permitted"),
        ({"fields": [*field_of(), *field_of()]}, "fields[2].name: “depth” is there twice"),
        ({"fields": [{"name": "gas", "type": "text", "list": True, "facet": True, "label": LABEL}]}, "a list cannot"),
        (
            {
                "fields": [
                    {"name": "gas", "type": "choice", "label": LABEL, "choices": [{"value": "a", "label": LABEL}] * 2}
                ]
            },
            "the choice “a” is there twice",
        ),
        ({"version": 3, "from_1": {}}, "version 3 has no “from_2”, so documents of version 2 would be lost"),
        ({"version": 2, "from_1": {}, "from_2": {}}, "“from_2” is no step to version 2"),
        ({"version": 2, "from_1": {"rename": {"a": "nowhere"}}}, "from_1.rename: version 2 has no field “nowhere”"),
        ({"version": 2, "from_1": {"default": {"nowhere": 1}}}, "from_1.default: version 2 has no field “nowhere”"),
        ({"version": 2, "from_1": {"default": {"depth": "deep"}}}, "from_1.default.depth: the field does not take"),
        ({"version": 2, "from_1": {"drop": ["depth"]}}, "from_1.drop: “depth” is a field of version 2"),
        ({"version": 2, "from_1": {"convert": {"depth": {"unit": "wombats"}}}}, "“wombats” is not a unit"),
        ({"version": 2, "from_1": {"convert": {"depth": {"by": 2}}}}, "from_1.convert.depth.by: Extra inputs"),
    ],
)
def test_a_mistake_in_a_model_is_told_with_file_line_and_field(tmp_path: Path, changes: dict[str, Any], said: str):
    with pytest.raises(VocabularyFileError) as error:
        one(tmp_path, **changes)
    assert said in error.value.detail.en
    assert f"{tmp_path / 'own.yaml'}: line " in error.value.detail.en
    assert "own.yaml：第 " in error.value.detail.zh


def test_the_line_is_that_of_the_field(tmp_path: Path):
    text = (EXAMPLES / "furnace.yaml").read_text(encoding="utf-8")
    with pytest.raises(VocabularyFileError) as error:
        load(tmp_path, own_yaml=text.replace("unit: degC", "unit: degX"))
    line = text[: text.index("- name: holds")].count("\n") + 1
    assert f"line {line}, fields[2]: " in error.value.detail.en


def test_two_files_cannot_say_the_same(tmp_path: Path):
    with pytest.raises(VocabularyFileError, match=r"a\.yaml describes “own”, too"):
        load(tmp_path, a_yaml=yaml.safe_dump(model_of()), b_yaml=yaml.safe_dump(model_of()))


def test_two_models_cannot_give_one_parameter(tmp_path: Path):
    deep = {"name": "tube_depth", "type": "integer", "label": LABEL}
    with pytest.raises(VocabularyFileError, match=r"“own_tube_depth” is a parameter of a\.yaml already"):
        load(
            tmp_path,
            a_yaml=yaml.safe_dump(model_of(fields=[deep])),
            b_yaml=yaml.safe_dump(model_of(model="own_tube")),
        )


def test_a_folder_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(VocabularyFileError, match="cannot be read: No such file"):
        FacilityVocabulary.load(tmp_path / "nowhere")


def test_yaml_that_refers_to_itself_or_never_ends_is_refused(tmp_path: Path):
    with pytest.raises(VocabularyFileError, match="it says too much"):
        load(tmp_path, own_yaml="model: &a\n  again: *a\n")
    laughs = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))
    with pytest.raises(VocabularyFileError, match="it says too much"):
        load(tmp_path, own_yaml=f"a0: &a0 ha\n{laughs}")
    (tmp_path / "own.yaml").write_text("x" * 1_000_001)
    with pytest.raises(VocabularyFileError, match="larger than a megabyte"):
        FacilityVocabulary.load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"oneOf": []}, "oneOf: “oneOf” cannot become a form"),
        ({"properties": {"a": {"type": "object"}}}, "properties.a: its type has to be number"),
        ({"properties": {"a": {"type": "string", "pattern": "x", "x-label": LABEL}}}, "properties.a.pattern: "),
        ({"properties": {"a": {"type": "string"}}}, "properties.a: “x-label” is missing; say it in both languages"),
        ({"properties": {"a": {"enum": ["b"], "x-label": LABEL}}}, "properties.a: “x-choices of “b”” is missing"),
        ({"properties": {"a": {"enum": [1], "x-label": LABEL}}}, "properties.a: “enum” has to be a list of texts"),
        ({"properties": {"a": 5}}, "properties.a: a property has to be an object"),
        ({"required": ["nowhere"]}, "required: “nowhere” is no property"),
        ({"type": "array"}, "it has to be an object with “properties”"),
    ],
)
def test_a_json_schema_that_a_form_cannot_be_made_of_is_told(tmp_path: Path, changes: dict[str, Any], said: str):
    schema = json.loads((EXAMPLES / "powder-environment.json").read_text(encoding="utf-8"))
    if "properties" in changes:
        schema["required"] = []
    with pytest.raises(VocabularyFileError) as error:
        load(tmp_path, own_json=json.dumps(schema | changes))
    assert said in error.value.detail.en


def stepped(tmp_path: Path, step: dict[str, Any], **changes: Any) -> MetadataModel:
    return one(tmp_path, version=2, from_1=step, **changes)


def test_a_step_renames_converts_fills_in_and_drops(tmp_path: Path):
    gas = {"name": "gas", "type": "choice", "label": LABEL, "required": True}
    gas["choices"] = [{"value": value, "label": LABEL} for value in ("argon", "air")]
    model = stepped(
        tmp_path,
        {
            "rename": {"deep": "depth", "atmosphere": "gas"},
            "convert": {"depth": {"unit": "mm"}, "gas": {"values": {"Ar": "argon"}}},
            "default": {"gas": "air"},
            "drop": ["operator"],
        },
        fields=[*field_of(), gas],
    )
    old = {"deep": {"value": 0.012, "unit": "m"}, "atmosphere": "Ar", "operator": "Sam"}
    assert model.migrated(1, old) == {"depth": {"value": 12.0, "unit": "mm"}, "gas": "argon"}
    assert model.migrated(1, {}) == {"gas": "air"}
    assert model.migrated(2, {"gas": "air"}) == {"gas": "air"}


def test_several_steps_follow_one_another(tmp_path: Path):
    steps = {"from_1": {"rename": {"a": "b"}}, "from_2": {"rename": {"b": "depth"}}}
    model = one(tmp_path, version=3, **steps)
    assert model.migrated(1, {"a": {"value": 1, "unit": "m"}}) == {"depth": {"value": 1.0, "unit": "m"}}


@pytest.mark.parametrize(
    ("step", "old", "said"),
    [
        ({}, {"operator": "Sam"}, "operator: Extra inputs are not permitted"),
        ({}, {"depth": "deep"}, "depth: Input should be a valid number"),
        ({"rename": {"deep": "depth"}}, {"deep": 1, "depth": 2}, "two of its fields would get one name"),
        ({"convert": {"depth": {"unit": "mm"}}}, {"depth": {"value": 1, "unit": "s"}}, "depth: “s” cannot become mm"),
    ],
)
def test_what_cannot_be_brought_along_says_why(tmp_path: Path, step: dict[str, Any], old: dict[str, Any], said: str):
    with pytest.raises(NotMigratedError, match=said):
        stepped(tmp_path, step).migrated(1, old)


def test_a_unit_that_nobody_knows_survives_a_conversion(tmp_path: Path):
    old = {"depth": {"value": 1.0, "unit": "wombats"}}
    assert stepped(tmp_path, {"convert": {"depth": {"unit": "mm"}}}).migrated(1, old) == old


def test_a_document_of_a_later_version_is_not_taken_for_one_of_this(tmp_path: Path):
    with pytest.raises(NotMigratedError, match="it is of version 2, but the file says 1"):
        one(tmp_path).migrated(2, {})
