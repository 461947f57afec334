"""The facility's choices for its catalogue in one YAML file, by the names of the settings.

A variable of the environment counts more than the file.
"""

from collections.abc import Mapping
from pathlib import Path

import yaml

from beamtorch_catalogue.change_settings import ChangeSettings
from beamtorch_catalogue.release_settings import ReleaseSettings

KNOWN = frozenset({*ChangeSettings.model_fields, *ReleaseSettings.model_fields})


class BadPolicyError(ValueError):
    """A file that cannot be followed; its message says why, in one line."""


def read_policy(path: Path | None) -> Mapping[str, object]:
    """Return what a file says; without a file it says nothing.

    Raises
    ------
    BadPolicyError
        If it cannot be read, is no mapping, or has a key that no setting has.
    """
    if path is None or not path.exists():
        return {}
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadPolicyError(" ".join(str(error).split())) from error
    if said is None:
        return {}
    if not isinstance(said, dict):
        raise BadPolicyError("it has to be “key: value” lines")
    unknown = sorted(str(key) for key in said if key not in KNOWN)
    if unknown:
        raise BadPolicyError(f"it has {', '.join(unknown)}; known are {', '.join(sorted(KNOWN))}")
    return said
