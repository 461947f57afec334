"""What can go wrong with the user office's records."""

from collections.abc import Sequence

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_facility.proposal import BeamlineId
from beamtorch_facility.words import Words

_MOST_SAID, _MOST_LISTED = 5, 100


class RecordsRefusedError(CatalogueError):
    """Records that contradict each other, or refer to something unknown."""

    code = "records-refused"
    status = 422
    title = Words(en="These records cannot be taken in", zh="无法导入这些信息")

    def __init__(self, problems: Sequence[Words]) -> None:
        said, more = problems[:_MOST_SAID], len(problems) - _MOST_SAID
        super().__init__(
            Words(
                en=f"{'; '.join(problem.en for problem in said)}{f'; and {more} more' if more > 0 else ''}. "
                "Nothing was changed. Mend the records at their source, then import again.",
                zh=f"{'；'.join(problem.zh for problem in said)}{f'；另有 {more} 处' if more > 0 else ''}。"
                "未做任何更改。请在来源处修正后重新导入。",
            ),
            problems=[problem.model_dump() for problem in problems[:_MOST_LISTED]],
        )


class NoSuchInstrumentError(CatalogueError):
    """A beamline that the catalogue does not know."""

    code = "no-such-instrument"
    status = 404
    exit_code = 6
    title = Words(en="No such beamline", zh="没有此线站")

    def __init__(self, beamline: BeamlineId) -> None:
        super().__init__(
            Words(
                en=f"The catalogue does not know beamline {beamline}. GET /instruments lists those that it knows; "
                "import the user office's records to add one.",
                zh=f"数据目录中没有线站 {beamline}。GET /instruments 可列出已知线站；"
                "新线站通过导入用户办公室信息添加。",
            )
        )


class NotYoursToKeepError(CatalogueError):
    """Somebody who may see roles or stations, but not change them."""

    code = "not-yours-to-keep"
    status = 403
    exit_code = 7
    title = Words(en="Not yours to change", zh="您不能更改此内容")


class UnknownMemberError(CatalogueError):
    """Somebody whom neither the user office nor the directory knows."""

    code = "unknown-member"
    status = 422
    exit_code = 6
    title = Words(en="Nobody of that name", zh="没有此人")


class StationInUseError(CatalogueError):
    """A station at which there were or will be beamtimes."""

    code = "station-in-use"
    status = 409
    title = Words(en="There are beamtimes at this station", zh="该实验站有机时")
