"""What a demo person finds at home: a notebook that leads to their own data, in their own language."""

import json
from typing import Any

from beamtorch_facility.words import Words
from beamtorch_hub.demo.cast import readable_datasets, search_word
from beamtorch_hub.demo.spec import DemoPerson, DemoSpec

NOTEBOOK = "Start here.ipynb"

_PLACES = Words(
    en="""# Welcome, {name}

This is your home on {facility}. Run the cells with Shift + Enter.

## 1 · Where the data are

Each beamtime has a folder with `raw`, `processed`, `scratch` and `share`. These are yours:""",
    zh="""# 欢迎，{name}

这里是您在{facility}的家目录。按 Shift + Enter 运行单元格。

## 1 · 数据在哪里

每次实验机时有一个文件夹，内有 `raw`、`processed`、`scratch` 和 `share`。您可以使用的机时：""",
)
_PLACES_CODE = """\
import os
from pathlib import Path

from beamtorch_catalogue.client import CatalogueClient

root = Path(os.environ["BEAMTORCH_DATA_ROOT"])
catalogue = CatalogueClient.from_environment()
for stay in catalogue.beamtimes():
    print(stay.start, root / stay.beamline / f"{stay.start:%Y%m}" / "Data" / stay.beamtime)"""
_SEARCH = Words(
    en="""## 2 · Search

Words match names, samples and people; a range takes a unit: `energy 12..13 keV`.
The Catalogue panel at the left (the flame) does the same.""",
    zh="""## 2 · 搜索

词语匹配名称、样品和人员；数值范围带单位：`energy 12..13 keV`。左侧的数据目录面板（火焰图标）功能相同。""",
)
_SEARCH_CODE = """\
found = catalogue.search({query})
for dataset in found.datasets:
    print(dataset.name, "·", dataset.sample, "·", dataset.beamline, "·", dataset.state)"""
_ATTACH = Words(
    en="""## 3 · Attach

Attaching makes a link below `~/datasets`, under your own rights; nothing is copied.""",
    zh="""## 3 · 挂接

挂接会在 `~/datasets` 下建立链接，使用您自己的权限；不复制数据。""",
)
_ATTACH_CODE = """\
from beamtorch_catalogue.attach import attach

whole = [dataset for dataset in found.datasets if dataset.state == "complete"]
if whole:
    print(attach(catalogue, whole[0].id, Path.home()).path)"""


def welcome_notebook(spec: DemoSpec, person: DemoPerson) -> str:
    """Return the notebook of one person (nbformat 4.5, JSON)."""
    language = person.language
    mine = readable_datasets(spec, person.username)
    greeting = {"name": person.full_name.within(language), "facility": spec.name.within(language)}
    query = json.dumps(search_word(mine[0].name) if mine else "")
    texts = [
        ("markdown", _PLACES.within(language).format(**greeting)),
        ("code", _PLACES_CODE),
        ("markdown", _SEARCH.within(language)),
        ("code", _SEARCH_CODE.format(query=query)),
        ("markdown", _ATTACH.within(language)),
        ("code", _ATTACH_CODE),
    ]
    cells = [_cell(kind, text, f"start-{number}") for number, (kind, text) in enumerate(texts, start=1)]
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _cell(kind: str, text: str, name: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "id": name, "metadata": {}, "source": text.splitlines(keepends=True)}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})
