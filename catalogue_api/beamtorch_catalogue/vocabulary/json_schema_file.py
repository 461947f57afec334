"""JSON Schema as another way to write a model: what our own form can say is taken over, everything else is refused.

https://json-schema.org/draft/2020-12; what it has no word for (unit, Chinese labels) is written as ``x-…``.
"""

from collections.abc import Mapping
from typing import Any

from beamtorch_catalogue.vocabulary.placed import Place, Placed

_TOP = frozenset({"$schema", "$id", "type", "title", "description", "properties", "required", "additionalProperties"})
_FIELD = frozenset({"type", "title", "description", "x-label", "x-help", "x-facet", "x-search"})
_OF_KIND: Mapping[str, frozenset[str]] = {
    "number": frozenset({"minimum", "maximum", "x-unit"}),
    "integer": frozenset({"minimum", "maximum"}),
    "text": frozenset({"maxLength", "minLength"}),
    "choice": frozenset({"enum", "x-choices"}),
    "boolean": frozenset(),
    "date-time": frozenset({"format"}),
}
_TAKEN_OVER = {"minimum": "minimum", "maximum": "maximum", "x-unit": "unit", "maxLength": "longest"}


def is_json_schema(placed: Placed) -> bool:
    """Tell a JSON Schema from a file of our own form."""
    return "properties" in placed.value or "$schema" in placed.value


def from_json_schema(placed: Placed) -> Placed:
    """Return the document in our own form, with the lines of the schema.

    Raises
    ------
    VocabularyFileError
        If it uses a word of JSON Schema that a form, a search field and a migration cannot be made from.
    """
    schema = placed.value
    lines: dict[Place, int] = {(): placed.line(())}
    made: dict[str, Any] = {}
    for key, value in schema.items():
        if key.startswith("x-"):
            name = key.removeprefix("x-").replace("-", "_")
            made[name] = value
            lines |= {(name, *place[1:]): line for place, line in placed.lines.items() if place[:1] == (key,)}
        elif key not in _TOP:
            raise _unknown(placed, (key,), key)
    if not isinstance(schema.get("properties"), dict) or schema.get("type", "object") != "object":
        raise placed.refusal(
            ("properties",), "it has to be an object with “properties”", "须为含有 properties 的对象（object）"
        )
    required = schema.get("required", [])
    made["fields"] = []
    for index, (name, told) in enumerate(schema["properties"].items()):
        place: Place = ("properties", name)
        field = _field(placed, place, told)
        made["fields"].append({"name": name, "required": name in required, **field})
        lines |= {("fields",): placed.line(("properties",)), ("fields", index): placed.line(place)}
        lines |= {("fields", index, key): placed.line(place) for key in ("name", *field)}
        lines |= {("fields", index, "choices", i): placed.line(place) for i in range(len(field.get("choices", ())))}
    for name in required:
        if name not in schema["properties"]:
            raise placed.refusal(("required",), f"“{name}” is no property", f"没有属性“{name}”")
    return Placed(path=placed.path, value=made, lines=lines)


def _field(placed: Placed, place: Place, told: Any) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise placed.refusal(place, "a property has to be an object", "属性须为对象")
    is_list = told.get("type") == "array"
    item = told.get("items", {}) if is_list else told
    if not isinstance(item, dict):
        raise placed.refusal(place, "“items” has to be an object", "items 须为对象")
    kind = _kind(item)
    if kind is None:
        raise placed.refusal(
            place,
            "its type has to be number, integer, string, boolean or an array of one of these",
            "类型须为 number、integer、string、boolean 或其数组",
        )
    words = {"items", *_FIELD} if is_list else {*_FIELD, *_OF_KIND[kind]}
    for key in told:
        if key not in words:
            raise _unknown(placed, (*place, key), key)
    for key in item if is_list else ():
        if key not in {"type", *_OF_KIND[kind]}:
            raise _unknown(placed, (*place, "items", key), key)
    field: dict[str, Any] = {"type": kind, "label": _label(placed, place, told.get("x-label"), "x-label")}
    if is_list:
        field["list"] = True
    field |= {name: told[f"x-{name}"] for name in ("help", "facet", "search") if f"x-{name}" in told}
    field |= {ours: item[theirs] for theirs, ours in _TAKEN_OVER.items() if theirs in item}
    return field | (_choices(placed, place, item) if kind == "choice" else {})


def _kind(item: dict[str, Any]) -> str | None:
    kind = item.get("type")
    if kind == "string" or (kind is None and "enum" in item):
        return "choice" if "enum" in item else "date-time" if item.get("format") == "date-time" else "text"
    return kind if kind in {"number", "integer", "boolean"} else None


def _choices(placed: Placed, place: Place, item: dict[str, Any]) -> dict[str, Any]:
    labels, values = item.get("x-choices"), item["enum"]
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        raise placed.refusal(place, "“enum” has to be a list of texts", "enum 须为文本列表")
    known = labels if isinstance(labels, dict) else {}
    return {
        "choices": [
            {"value": one, "label": _label(placed, place, known.get(one), f"x-choices of “{one}”")} for one in values
        ]
    }


def _label(placed: Placed, place: Place, label: Any, what: str) -> Any:
    if label is None:
        raise placed.refusal(
            place,
            f"“{what}” is missing; say it in both languages, as {{en: …, zh: …}}",
            f"缺少“{what}”，请用中英文填写：{{en: …, zh: …}}",
        )
    return label


def _unknown(placed: Placed, place: Place, key: str) -> Exception:
    return placed.refusal(
        place,
        f"“{key}” cannot become a form or a search field; leave it out, or write it as the guide tells",
        f"“{key}”无法转换为表单或搜索字段，请去掉或按指南改写",
    )
