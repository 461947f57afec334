"""The page on the user office tells the truth: its columns are all there are, and its mapping can be read."""

import re
from pathlib import Path

import yaml

from beamtorch_catalogue.office.columns import TABLES
from beamtorch_catalogue.office.rest_mapping import Mapping

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "connect-the-user-office.md").read_text(encoding="utf-8")


def test_the_page_names_every_column_and_says_which_may_be_missing():
    rows = dict(re.findall(r"^\| `(\w+)\.csv` \| (.*) \|$", PAGE, re.MULTILINE))
    assert list(rows) == list(TABLES)
    for kind, table in TABLES.items():
        said, _, in_brackets = rows[kind].partition("(")
        assert set(re.findall(r"`(\w+)`", rows[kind])) == set(table.columns)
        optional = {*table.optional, *(f"{text}_{tag}" for text in table.optional_texts for tag in ("en", "zh"))}
        assert set(re.findall(r"`(\w+)`", in_brackets)) == optional
        assert set(re.findall(r"`(\w+)`", said)) == set(table.columns) - optional


def test_the_mapping_of_the_page_can_be_read():
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    mapping = Mapping.model_validate(yaml.safe_load(text))
    assert set(mapping.sources) == {"people", "proposals", "roles", "beamtimes", "instruments"}
