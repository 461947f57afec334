"""The user office as a folder of CSV files, as a spreadsheet or a database writes them."""

import csv
import difflib
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from beamtorch_catalogue.office.columns import TABLES, Fault, Line, assemble, refusal
from beamtorch_catalogue.office.protocol import OfficeError
from beamtorch_catalogue.wire import FacilityRecords
from beamtorch_facility.words import Words

_SEPARATORS = ",;\t"


class CsvOffice:
    """Reads ``instruments.csv``, ``stations.csv``, …; a file that is not there says nothing of its kind."""

    def __init__(self, place: Path) -> None:
        self._folder = place

    def records(self) -> FacilityRecords:
        """Return what all files say."""
        faults: list[Fault] = []
        files = _files(self._folder, faults)
        lines = {kind: list(_lines(kind, path, faults)) for kind, path in files.items()}
        if faults:
            # Faults of rows are told beside those of whole files.
            raise _with_rows(lines, faults)
        return assemble(lines)


def _with_rows(lines: dict[str, list[Line]], faults: list[Fault]) -> OfficeError:
    try:
        assemble(lines)
    except OfficeError as error:
        told = [Fault(one["place"], one["column"], Words(**one["said"])) for one in error.facts["faults"]]
        return refusal([*faults, *(fault for fault in told if fault not in faults)])
    return refusal(faults)


def _files(folder: Path, faults: list[Fault]) -> dict[str, Path]:
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".csv")
    except OSError as error:
        reason = error.strerror or str(error)
        raise OfficeError(
            Words(
                en=f"{folder} cannot be read: {reason}. Name the folder that holds the CSV files.",
                zh=f"无法读取 {folder}：{reason}。请指定存放 CSV 文件的文件夹。",
            )
        ) from error
    faults += (Fault(path.name, None, _no_table(path.stem)) for path in found if path.stem not in TABLES)
    files = {path.stem: path for path in found if path.stem in TABLES}
    if not files and not faults:
        faults.append(Fault(str(folder), None, _nothing()))
    return files


def _lines(kind: str, path: Path, faults: list[Fault]) -> Iterator[Line]:
    text = _text(path, faults)
    if text is None:
        return
    rows = _rows(path, text, faults)
    head = next(rows, None)
    if head is None:
        faults.append(Fault(f"{path.name}, line 1", None, _no_head(kind)))
        return
    columns = [cell.strip() for cell in head[1]]
    wrong = list(_wrong_columns(kind, columns))
    if wrong:
        faults += (Fault(f"{path.name}, line {head[0]}", column, said) for column, said in wrong)
        return
    for number, cells in rows:
        place = f"{path.name}, line {number}"
        if not any(map(str.strip, cells)):
            continue
        if len(cells) != len(columns):
            faults.append(Fault(place, None, _uneven(len(cells), len(columns))))
            continue
        yield Line(place, {column: cell.strip() for column, cell in zip(columns, cells, strict=True)})


def _text(path: Path, faults: list[Fault]) -> str | None:
    try:
        content = path.read_bytes()
    except OSError as error:
        faults.append(Fault(path.name, None, _unreadable(error.strerror or str(error))))
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        faults.append(Fault(f"{path.name}, line {number}", None, _NOT_UTF8))
        return None


def _rows(path: Path, text: str, faults: list[Fault]) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the number of its first line; a quoted cell may hold line breaks."""
    first = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            faults.append(Fault(f"{path.name}, line {number}", None, _not_csv(str(error))))
            return
        if row is None:
            return
        yield number, row


def _wrong_columns(kind: str, columns: Sequence[str]) -> Iterable[tuple[str, Words]]:
    table = TABLES[kind]
    for column in columns:
        if column not in table.columns:
            yield column, _no_column(column, table.columns)
        elif columns.count(column) > 1:
            yield column, Words(en="is there twice. Keep one of both", zh="重复，请保留其一")
    missing = [column for column in table.required if column not in columns]
    missing += [f"{t}_en" for t in table.texts if not {f"{t}_en", f"{t}_zh"} & set(columns)]
    for column in missing:
        yield column, Words(en="is missing. Add it to the first line", zh="缺少此列，请在首行添加")


def _no_column(column: str, known: Sequence[str]) -> Words:
    near = difflib.get_close_matches(column, known, 1)
    hint = (f" Did you mean {near[0]}?", f"是否指 {near[0]}？") if near else ("", "")
    return Words(
        en=f"is not known.{hint[0]} There are: {', '.join(known)}. Rename or remove it",
        zh=f"未知。{hint[1]}可用的列：{', '.join(known)}。请改名或删除",
    )


def _no_table(name: str) -> Words:
    near = difflib.get_close_matches(name, TABLES, 1)
    hint = (f" Did you mean {near[0]}.csv?", f"是否指 {near[0]}.csv？") if near else ("", "")
    names = ", ".join(f"{kind}.csv" for kind in TABLES)
    return Words(
        en=f"holds nothing that the catalogue knows.{hint[0]} There are: {names}. Rename it, or take it away",
        zh=f"不是数据目录可识别的文件。{hint[1]}可用：{names}。请改名或移走",
    )


def _nothing() -> Words:
    names = ", ".join(f"{kind}.csv" for kind in TABLES)
    return Words(en=f"holds none of {names}. Name another folder", zh=f"不含 {names} 中的任何文件。请指定其他文件夹")


def _no_head(kind: str) -> Words:
    columns = ", ".join(TABLES[kind].columns)
    return Words(en=f"is empty. Its first line names the columns: {columns}", zh=f"为空。首行应为列名：{columns}")


def _uneven(given: int, wanted: int) -> Words:
    return Words(
        en=f"has {given} cells where the first line has {wanted}. Put quotes around a cell that holds a comma",
        zh=f"有 {given} 个单元格，而首行有 {wanted} 个。含逗号的单元格请加引号",
    )


def _unreadable(reason: str) -> Words:
    return Words(en=f"cannot be read: {reason}. Check its permissions", zh=f"无法读取：{reason}。请检查权限")


def _not_csv(reason: str) -> Words:
    return Words(en=f"is not CSV: {reason}. Check the quotes", zh=f"不是有效的 CSV：{reason}。请检查引号")


_NOT_UTF8 = Words(
    en="is not UTF-8. Save the file as “CSV UTF-8”", zh="不是 UTF-8 编码。请另存为“CSV UTF-8（逗号分隔）”"
)
