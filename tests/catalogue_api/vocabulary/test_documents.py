"""Documents that come with a record: checked, and taken apart for the tables."""

from pathlib import Path

import pytest

from beamtorch_catalogue.services.documents import Documents
from beamtorch_catalogue.services.editions import StaleVersionError, demand_version
from beamtorch_catalogue.stores.models import DocumentRow
from beamtorch_catalogue.vocabulary import FacilityVocabulary

EXAMPLES = Path(__file__).parents[2] / "data" / "models"
GIVEN = {"furnace": {"ramp": 5, "atmosphere": "argon"}, "powder_environment": {"cell": "diamond anvil", "capillary": 1}}


@pytest.fixture(scope="module")
def documents() -> Documents:
    return Documents(FacilityVocabulary.load(EXAMPLES).models)


def test_good_documents_become_documents_parameters_and_words(documents: Documents):
    assert documents.check(GIVEN) is None
    assert [(row["dataset"], row["model"], row["version"]) for row in documents.document_rows(7, GIVEN)] == [
        (7, "furnace", 1),
        (7, "powder_environment", 1),
    ]
    rows = {row["name"]: row for row in documents.rows(7, GIVEN)}
    assert set(rows) == {
        "furnace_ramp",
        "furnace_atmosphere",
        "powder_environment_cell",
        "powder_environment_capillary",
    }
    assert rows["furnace_atmosphere"]["text"] == "argon"
    assert rows["powder_environment_capillary"]["si"] == pytest.approx(0.001)
    assert {"氩气", "Diamond anvil cell", "金刚石对顶砧", "原位加热炉"} <= set(documents.words(GIVEN))


def test_the_first_mistake_is_told_with_model_and_field(documents: Documents):
    wrong = documents.check({"furnace": {"ramp": "fast"}})
    assert wrong is not None
    assert wrong.en.startswith("models.furnace: ramp: Input should be a valid number")
    unknown = documents.check({"oven": {}})
    assert unknown is not None
    assert "There is no metadata model “oven”. There are furnace, powder_environment" in unknown.en
    assert "furnace、powder_environment" in unknown.zh


def test_stored_documents_are_given_back_in_the_present_version_or_as_they_are(documents: Documents):
    good = DocumentRow(dataset=1, model="furnace", version=1, content='{"ramp": {"value": 5.0, "unit": "K/min"}}')
    later = DocumentRow(dataset=1, model="powder_environment", version=9, content='{"cell": "other"}')
    nobodys = DocumentRow(dataset=1, model="gone", version=1, content='{"a": 1}')
    assert documents.current([good, later, nobodys]) == {"furnace": {"ramp": {"value": 5.0, "unit": "K/min"}}}
    assert [documents.shown(row) for row in (later, nobodys)] == [{"cell": "other"}, {"a": 1}]


@pytest.mark.parametrize("tag", [None, "*", '"3"', 'W/"3"', '"1", "3"'])
def test_a_change_of_the_present_version_passes(tag: str | None):
    demand_version(3, tag)


@pytest.mark.parametrize("tag", ['"2"', "3", "", '"33"'])
def test_a_change_of_another_version_is_told_the_present_one(tag: str):
    with pytest.raises(StaleVersionError) as error:
        demand_version(3, tag)
    assert error.value.problem()["version"] == 3
