"""What a platform is told: secrets are made once, and what an update brings is added to them."""

import json

import pytest

from beamtorch_hub.errors import SettingsUnreadableError
from beamtorch_hub.home import PlatformHome
from beamtorch_hub.settings import prepare


def test_an_update_adds_the_secret_that_it_brings_and_changes_no_other(tmp_path):
    home = PlatformHome(tmp_path)
    home.make()
    prepare(home, 8000)
    first = json.loads(home.tokens.read_text())
    assert len(set(first.values())) == len(first)
    home.tokens.write_text(json.dumps({name: token for name, token in first.items() if name != "console"}))
    settings = prepare(home, 8000)
    again = json.loads(home.tokens.read_text())
    assert again == first | {"console": again["console"]}
    assert settings.tokens.console.get_secret_value() == again["console"]
    assert home.tokens.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", ["{", "[]", '{"console": 7}', '{"spawner": "x", "surplus": "y"}'])
def test_a_damaged_file_of_secrets_is_told_and_never_written_over(tmp_path, damage):
    home = PlatformHome(tmp_path)
    home.make()
    prepare(home, 8000)
    home.tokens.write_text(damage)
    with pytest.raises(SettingsUnreadableError, match=r"tokens\.json"):
        prepare(home, 8000)
    assert home.tokens.read_text() == damage
