"""Reading a facility's folder of techniques and metadata models; whatever is wrong there is said at the start."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter, ValidationError

from beamtorch_catalogue.units import unit
from beamtorch_catalogue.vocabulary.json_schema_file import from_json_schema, is_json_schema
from beamtorch_catalogue.vocabulary.metadata_model import MetadataModel, reason_of
from beamtorch_catalogue.vocabulary.model_file import ModelFile, Step
from beamtorch_catalogue.vocabulary.placed import Placed, VocabularyFileError, read_placed
from beamtorch_catalogue.vocabulary.registry import Models
from beamtorch_catalogue.vocabulary.techniques import SHIPPED, Techniques
from beamtorch_facility.words import Words

TECHNIQUES = "techniques.yaml"
"""The file of a facility's own techniques, in the same folder."""
_ENDINGS = frozenset({".yaml", ".yml", ".json"})


@dataclass(frozen=True)
class FacilityVocabulary:
    """What is known in one process; it changes with a restart."""

    techniques: Techniques = SHIPPED
    models: Models = field(default_factory=Models)

    @classmethod
    def load(cls, folder: Path | None) -> Self:
        """Read a folder; None: only what is shipped.

        Raises
        ------
        VocabularyFileError
            If a file cannot be used, or the folder cannot be read.
        """
        if folder is None:
            return cls()
        own = folder / TECHNIQUES
        techniques = SHIPPED.with_file(own) if own.exists() else SHIPPED
        known: dict[str, Path] = {}
        parameters: dict[str, Path] = {}
        models = []
        for path in _files(folder):
            placed = read_placed(path)
            if is_json_schema(placed):
                placed = from_json_schema(placed)
            model = MetadataModel(_resolved(placed, placed.as_a(ModelFile), techniques))
            if model.name in known:
                raise placed.refusal(
                    ("model",),
                    f"{known[model.name].name} describes “{model.name}”, too; rename one or take one away",
                    f"{known[model.name].name} 也描述了“{model.name}”，请改名或删去其一",
                )
            known[model.name] = path
            _check_steps(placed, model)
            _check_parameters(placed, model, parameters)
            models.append(model)
        return cls(techniques=techniques, models=Models(models, techniques=techniques))


def _files(folder: Path) -> list[Path]:
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix in _ENDINGS and path.is_file())
    except OSError as error:
        raise VocabularyFileError(
            Words(
                en=f"The folder of metadata models, {folder}, cannot be read: {error.strerror}. Create it, let the "
                "catalogue read it, or start without it.",
                zh=f"无法读取元数据模型目录 {folder}：{error.strerror}。请创建并授予读取权限，或不设置该目录。",
            )
        ) from error
    return [path for path in found if path.name != TECHNIQUES and not path.name.startswith(".")]


def _resolved(placed: Placed, file: ModelFile, techniques: Techniques) -> ModelFile:
    """Return the file with short names for its techniques and without repetition of a field."""
    names = []
    for index, written in enumerate(file.techniques):
        name = techniques.technique_of(written)
        if name is None:
            raise placed.refusal(
                ("techniques", index),
                f"“{written}” is no technique; GET /techniques lists them, and {TECHNIQUES} beside this file adds some",
                f"没有技术“{written}”；GET /techniques 可列出全部，可在同目录的 {TECHNIQUES} 中添加",
            )
        names.append(name)
    told = [one.name for one in file.fields]
    for index, name in enumerate(told):
        if name in told[:index]:
            raise placed.refusal(
                ("fields", index, "name"), f"“{name}” is there twice; rename one", f"字段“{name}”重复，请改名"
            )
    return file.model_copy(update={"techniques": tuple(names)})


def _check_steps(placed: Placed, model: MetadataModel) -> None:
    for version, step in model.file.steps.items():
        for name, convert in step.convert.items():
            if convert.unit is not None and unit(convert.unit) is None:
                raise placed.refusal(
                    (f"from_{version}", "convert", name, "unit"),
                    f"“{convert.unit}” is not a unit",
                    f"“{convert.unit}”不是单位",
                )
    last = model.file.steps.get(model.version - 1)
    if last is not None:
        _check_last_step(placed, model, last)


def _check_last_step(placed: Placed, model: MetadataModel, step: Step) -> None:
    """Refuse a step that leads to fields which this version does not have, or to values that they cannot take."""
    at = f"from_{model.version - 1}"
    left = dict.fromkeys(step.rename.values(), "rename") | dict.fromkeys(step.convert, "convert")
    for name, word in (left | dict.fromkeys(step.default, "default")).items():
        if name not in model.fields and name not in step.drop:
            raise placed.refusal(
                (at, word), f"version {model.version} has no field “{name}”", f"第 {model.version} 版没有字段“{name}”"
            )
    for name in step.drop:
        if name in model.fields:
            raise placed.refusal(
                (at, "drop"),
                f"“{name}” is a field of version {model.version}; take it out of “drop” or of “fields”",
                f"“{name}”是第 {model.version} 版的字段，请从 drop 或 fields 中去掉",
            )
    for name, value in step.default.items():
        if name not in model.fields:
            continue
        try:
            TypeAdapter(model.fields[name].annotation()).validate_python(value)
        except ValidationError as error:
            reason = reason_of(error)
            raise placed.refusal(
                (at, "default", name), f"the field does not take this value: {reason}", f"该字段不接受此值：{reason}"
            ) from error


def _check_parameters(placed: Placed, model: MetadataModel, known: dict[str, Path]) -> None:
    for index, name in enumerate(model.fields):
        parameter = model.parameter(name)
        if parameter in known:
            other = known[parameter].name
            raise placed.refusal(
                ("fields", index, "name"),
                f"“{parameter}” is a parameter of {other} already; rename the field",
                f"参数“{parameter}”已在 {other} 中使用，请更改字段名",
            )
        known[parameter] = placed.path
