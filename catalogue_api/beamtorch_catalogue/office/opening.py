"""Opening the user office of a facility by the name of its way."""

from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from beamtorch_catalogue.office.csv_folder import CsvOffice
from beamtorch_catalogue.office.protocol import GROUP, OfficeError, OfficeFactory, UserOffice
from beamtorch_catalogue.office.rest import RestOffice
from beamtorch_catalogue.office.yaml_file import YamlOffice
from beamtorch_facility.words import Words

SHIPPED: dict[str, OfficeFactory] = {"csv": CsvOffice, "rest": RestOffice, "yaml": YamlOffice}


def open_office(name: str, place: Path) -> UserOffice:
    """Return a user office, by one of our ways or by a plugin's.

    Raises
    ------
    OfficeError
        If there is no such way, several plugins have its name, or it cannot be loaded.
    """
    if name in SHIPPED:
        return SHIPPED[name](place)
    found = tuple(entry_points(group=GROUP, name=name))
    if len(found) != 1:
        raise _no_way(name, found)
    try:
        factory = found[0].load()
    except (ImportError, AttributeError) as error:
        raise OfficeError(
            Words(
                en=f"The way “{name}” to the user office cannot be loaded: {error}. Mend or reinstall "
                f"{_source(found[0])}.",
                zh=f"无法加载用户办公室插件“{name}”：{error}。请修复或重新安装 {_source(found[0])}。",
            )
        ) from error
    office: UserOffice = factory(place)
    return office


def _no_way(name: str, found: tuple[EntryPoint, ...]) -> OfficeError:
    if found:
        sources = ", ".join(map(_source, found))
        return OfficeError(
            Words(
                en=f"Several packages bring a way “{name}” to the user office: {sources}. Remove all but one.",
                zh=f"多个软件包提供了用户办公室插件“{name}”：{sources}。请只保留一个。",
            )
        )
    names = ", ".join(sorted({*SHIPPED, *(point.name for point in entry_points(group=GROUP))}))
    return OfficeError(
        Words(
            en=f"There is no way “{name}” to the user office. There are: {names}. Others come as packages with an "
            f"entry point in {GROUP}.",
            zh=f"没有名为“{name}”的用户办公室插件。可用：{names}。其他插件通过入口点 {GROUP} 安装。",
        )
    )


def _source(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value
