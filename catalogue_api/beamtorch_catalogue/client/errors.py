"""What the catalogue's client says when the catalogue says no, or nothing."""

from http import HTTPStatus
from typing import Any

import httpx

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_facility.words import Words


class CatalogueRefusedError(CatalogueError):
    """The catalogue answered with a problem document; `code`, `status` and `detail` are the server's own."""

    code = "catalogue-refused"

    def __init__(self, detail: Words, *, status: int, code: str, title: Words, **facts: Any) -> None:
        super().__init__(detail, **facts)
        # The document of the server is passed on unchanged, so the instance speaks with the server's names.
        self.status = status  # type: ignore[misc]
        self.code = code  # type: ignore[misc]
        self.title = title  # type: ignore[misc]


class CatalogueUnreachableError(CatalogueError):
    """The catalogue does not answer."""

    code = "catalogue-unreachable"
    status = 503
    exit_code = 4
    title = Words(en="The catalogue does not answer", zh="数据目录无响应")


class CatalogueNotConfiguredError(CatalogueError):
    """Nobody said where the catalogue is, or who asks."""

    code = "catalogue-not-configured"
    exit_code = 2
    title = Words(en="Where is the catalogue?", zh="未指定数据目录")


def refusal(response: httpx.Response) -> CatalogueError:
    """Return the error for an answer that is none: the server's own words, or who else seems to have answered."""
    try:
        problem = response.json()
        facts = {k: v for k, v in problem.items() if k not in _OF_EVERY_PROBLEM}
        return CatalogueRefusedError(
            Words(en=problem["detail"], zh=problem["detail_zh"]),
            status=response.status_code,
            code=str(problem["type"]).rpartition(":")[2],
            title=Words(en=problem["title"], zh=problem["title_zh"]),
            **facts,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        status = HTTPStatus(response.status_code).phrase if response.status_code in set(HTTPStatus) else "?"
        return CatalogueUnreachableError(
            Words(
                en=f"Something between here and the catalogue answered {response.status_code} ({status}). "
                "Check the address, or try again in a minute.",
                zh=f"通往数据目录的途中返回了 {response.status_code}（{status}）。请检查地址，或一分钟后重试。",
            )
        )


_OF_EVERY_PROBLEM = frozenset({"type", "title", "title_zh", "status", "detail", "detail_zh"})
