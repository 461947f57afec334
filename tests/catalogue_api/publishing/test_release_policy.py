"""When data open: the rules alone, without a clock or a database."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from beamtorch_catalogue.citing.work import Stage, identifier_type
from beamtorch_catalogue.release_settings import ReleaseSettings
from beamtorch_catalogue.services.identifiers import LocalHandles
from beamtorch_catalogue.services.release_policy import Policy, months_after, opens_as_wide, release_of, stage
from beamtorch_catalogue.stores.models import Beamtime, Proposal
from beamtorch_catalogue.stores.places import NEVER
from beamtorch_catalogue.wire import Audience
from beamtorch_facility.dataset import DatasetId


def beamtime(end: date) -> Beamtime:
    return Beamtime(beamtime="BT-1", proposal="P1", beamline="BL1", start=end, end=end)


def proposal(months: int | None = None, to: Audience | None = None) -> Proposal:
    return Proposal(proposal="P1", embargo_months=months, released_to=to.value if to else None)


@pytest.mark.parametrize(
    ("last_day", "months", "opens"),
    [
        (date(2026, 10, 7), 36, datetime(2029, 10, 8, tzinfo=UTC)),
        (date(2026, 10, 7), 0, datetime(2026, 10, 8, tzinfo=UTC)),
        (date(2026, 12, 31), 1, datetime(2027, 2, 1, tzinfo=UTC)),
        (date(2027, 1, 30), 1, datetime(2027, 2, 28, tzinfo=UTC)),
        (date(2028, 1, 30), 1, datetime(2028, 2, 29, tzinfo=UTC)),
        (date(2026, 11, 30), 12, datetime(2027, 12, 1, tzinfo=UTC)),
        (date(9990, 1, 1), 1200, NEVER),
        (date(9999, 12, 31), 0, NEVER),
    ],
)
def test_data_open_at_the_midnight_after_the_beamtime_some_months_later(last_day: date, months: int, opens: datetime):
    assert months_after(last_day, months) == opens


@given(
    st.dates(min_value=date(1950, 1, 1), max_value=date(2200, 1, 1)),
    st.integers(0, 1200),
    st.integers(0, 1200),
)
def test_a_longer_embargo_never_ends_earlier_and_months_are_about_months(last_day: date, one: int, other: int):
    fewer, more = sorted((one, other))
    assert months_after(last_day, fewer) <= months_after(last_day, more)
    assert abs((months_after(last_day, more).date() - last_day).days - more * 30.4369) < 35


def test_the_proposal_comes_before_the_facilitys_policy():
    end = date(2026, 10, 7)
    policy = Policy(embargo_months=24, released_to=Audience.WORLD)
    assert release_of(beamtime(end), proposal(), policy) == (datetime(2028, 10, 8, tzinfo=UTC), "world")
    own = proposal(6, Audience.REGISTERED)
    assert release_of(beamtime(end), own, policy) == (datetime(2027, 4, 8, tzinfo=UTC), "registered")
    assert release_of(beamtime(end), proposal(0), policy)[0] == datetime(2026, 10, 8, tzinfo=UTC)


def test_what_is_for_nobody_never_opens():
    opening = release_of(beamtime(date(2000, 1, 1)), proposal(0, Audience.NOBODY), Policy())
    assert opening == (NEVER, "nobody")
    assert stage(*opening, datetime(2900, 1, 1, tzinfo=UTC)) is Stage.WITHHELD


def test_data_are_open_at_their_instant_and_not_before():
    at = datetime(2029, 10, 8, tzinfo=UTC)
    assert stage(at, "registered", at - timedelta(microseconds=1)) is Stage.WITHHELD
    assert stage(at, "registered", at) is Stage.REGISTERED
    assert stage(at, "world", at) is Stage.WORLD
    assert stage(at, "nobody", at) is Stage.WITHHELD


MOMENTS = st.sampled_from([datetime(2026, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC), NEVER])
OPENINGS = st.tuples(MOMENTS, st.sampled_from([audience.value for audience in Audience]))


@given(OPENINGS, OPENINGS, st.sampled_from([datetime(y, 6, 1, tzinfo=UTC) for y in (2025, 2027, 2030)]))
def test_whoever_opens_as_wide_closes_nothing_at_any_moment(
    new: tuple[datetime, str], old: tuple[datetime, str], now: datetime
):
    width = [Stage.WITHHELD, Stage.REGISTERED, Stage.WORLD]
    if opens_as_wide(new, old):
        assert width.index(stage(*new, now)) >= width.index(stage(*old, now))


def test_the_facilitys_policy_comes_from_the_environment_and_an_error_names_the_variable():
    assert ReleaseSettings.from_environment({"BEAMTORCH_PID_PREFIX": ""}) == ReleaseSettings()
    given_settings = {
        "BEAMTORCH_PID_PREFIX": "21.T11998",
        "BEAMTORCH_EMBARGO_MONTHS": "12",
        "BEAMTORCH_RELEASED_TO": "world",
    }
    made = ReleaseSettings.from_environment(given_settings)
    assert (made.pid_prefix, made.embargo_months, made.released_to) == ("21.T11998", 12, Audience.WORLD)
    for name, bad in {"PID_PREFIX": "a/b c", "EMBARGO_MONTHS": "-1", "RELEASED_TO": "friends"}.items():
        with pytest.raises(ValidationError) as refused:
            ReleaseSettings.from_environment({f"BEAMTORCH_{name}": bad})
        assert [error["loc"] for error in refused.value.errors()] == [(f"BEAMTORCH_{name}",)]


def test_an_identifier_is_the_prefix_with_the_datasets_name_and_says_what_kind_it_is():
    minting = LocalHandles("21.T11998", catalogue="https://light.example/services/catalogue/")
    pid = minting.pid(DatasetId("ds-abcdefgh"))
    assert (pid, identifier_type(pid)) == ("21.T11998/abcdefgh", "Handle")
    assert minting.address(pid) == "https://light.example/services/catalogue/pid/21.T11998/abcdefgh"
    assert [identifier_type(one) for one in ("10.123/x", "local/x", "2024.x")] == ["DOI", "Local", "Handle"]
    assert minting.publication("one") == minting.publication("one") != minting.publication("two")
