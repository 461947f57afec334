"""The decision on a start, without anything that runs."""

from pathlib import Path

import pytest
import yaml

from beamtorch_facility.words import Words
from beamtorch_spawner.environments import DEFAULT_ENVIRONMENTS, Environment, EnvironmentKind, load_environments
from beamtorch_spawner.errors import LeaseOverError, UnknownEnvironmentError, UnknownOptionError
from beamtorch_spawner.policy_file import Lifetime, Policy
from beamtorch_spawner.services.policy import check_change, choose_environment, parse_options
from beamtorch_spawner.wire import LeaseState, UserOptions

OFFERS = load_environments(DEFAULT_ENVIRONMENTS)


@pytest.mark.parametrize(
    "given",
    [
        {"environment": "lab", "picture": "evil:latest"},
        {"environment": "lab", "cmd": ["/bin/sh"]},
        {"environment": ["lab", "ct"]},
        {"environment": {"id": "lab"}},
        {"environment": "lab", "dataset": "../../etc/passwd"},
        {"environment": "lab", "dataset": 7},
        {"environment": "lab", "": "x"},
    ],
)
def test_an_option_that_nobody_offered_is_refused_by_its_name(given):
    with pytest.raises(UnknownOptionError) as refused:
        parse_options(given)
    name = refused.value.facts["option"]
    assert name in given
    assert f"“{name}”" in refused.value.detail.en or name in refused.value.detail.en
    assert refused.value.detail.zh != refused.value.detail.en


def test_a_very_long_option_does_not_fill_the_sentence():
    with pytest.raises(UnknownOptionError) as refused:
        parse_options({"x" * 5000: "y"})
    assert len(refused.value.detail.en) < 200


def test_an_environment_is_found_for_its_own_server():
    assert choose_environment(OFFERS, UserOptions(environment="ct"), "ct").app == "ct/ct.ipynb"


def test_an_unknown_environment_is_refused_with_what_is_on_offer():
    with pytest.raises(UnknownEnvironmentError) as refused:
        choose_environment(OFFERS, UserOptions(environment="matlab"), "")
    assert refused.value.detail.en == "There is no environment “matlab”. On offer: lab, ct."
    assert "matlab" in refused.value.detail.zh


def test_an_environment_on_another_server_than_its_own_is_refused():
    with pytest.raises(UnknownEnvironmentError, match="runs as the server “ct”, not as “default”"):
        choose_environment(OFFERS, UserOptions(environment="ct"), "")


def test_a_start_that_names_nothing_gets_the_only_environment_of_its_server():
    assert choose_environment(OFFERS, UserOptions(), "").id == "lab"


def test_a_start_that_names_nothing_is_refused_where_there_is_a_choice():
    words = Words(en="Large", zh="大型")
    large = Environment(id="large", kind=EnvironmentKind.LAB, name=words, summary=words)
    with pytest.raises(UnknownEnvironmentError, match="No environment was named"):
        choose_environment((*OFFERS, large), UserOptions(), "")


OVER = (LeaseState.ENDED, LeaseState.REFUSED, LeaseState.FAILED)


@pytest.mark.parametrize("old", OVER)
@pytest.mark.parametrize("new", list(LeaseState))
def test_a_lease_that_is_over_never_comes_back(old, new):
    if old is new:
        assert not check_change(old=old, new=new)
    else:
        with pytest.raises(LeaseOverError):
            check_change(old=old, new=new)


@pytest.mark.parametrize("old", [state for state in LeaseState if state.is_active])
def test_every_living_lease_can_end_or_fail(old):
    assert check_change(old=old, new=LeaseState.ENDED)
    assert check_change(old=old, new=LeaseState.FAILED)


def test_a_lease_does_not_go_backwards():
    with pytest.raises(LeaseOverError):
        check_change(old=LeaseState.RUNNING, new=LeaseState.STARTING)


def test_every_key_of_the_policy_file_is_in_the_reference_and_its_example_is_one():
    page = (Path(__file__).parents[2] / "docs/reference/policy.md").read_text(encoding="utf-8")
    lines = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    fields = {**Policy.model_fields, **Lifetime.model_fields}
    assert set(lines) == set(fields)
    for name, field in fields.items():
        if isinstance(field.default, int):
            assert f"| {field.default} |" in lines[name], name
    example = page.partition("```yaml")[2].partition("```")[0]
    assert len(Policy.model_validate(yaml.safe_load(example)).lifetimes) == 2
