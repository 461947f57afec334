"""The user office as one YAML file, in the words of the wire."""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from beamtorch_catalogue.office.protocol import OfficeError
from beamtorch_catalogue.wire import FacilityRecords
from beamtorch_facility.words import Words

_Model = TypeVar("_Model", bound=BaseModel)


class YamlOffice:
    """Reads one file."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def records(self) -> FacilityRecords:
        """Return what the file says."""
        return read_yaml(self._place, FacilityRecords)


def read_yaml(path: Path, model: type[_Model]) -> _Model:
    """Return a YAML file as a model; raise `OfficeError` that names the place in the file."""
    try:
        return model.model_validate(yaml.safe_load(path.read_text(encoding="utf-8-sig")))
    except ValidationError as error:
        reason = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:5])
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        reason = f"{where}{getattr(error, 'problem', None) or error}"
    except OSError as error:
        reason = error.strerror or str(error)
    except ValueError as error:
        reason = str(error).partition("\n")[0]
    raise OfficeError(
        Words(
            en=f"{path} cannot be read: {reason}. Nothing was sent. Mend the file and try again.",
            zh=f"无法读取 {path}：{reason}。未发送任何内容。请修正文件后重试。",
        )
    )
