"""Asking a user office over HTTP: page by page, patient with a busy server, strict about whom the token is for."""

import json
import ssl
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import httpx

from beamtorch_catalogue.office.protocol import OfficeError
from beamtorch_catalogue.office.rest_mapping import LOOPBACK, Mapping, Paging, Source
from beamtorch_facility.words import Words

_MOST_PAGES = 100_000
_LONGEST_WAIT = 60.0
_FIRST_WAIT = 0.5
_PATIENCE = frozenset({429, 500, 502, 503, 504})


class Asker:
    """One connection to a user office.

    Parameters
    ----------
    mapping
        Where it is and how it pages.
    token
        Its bearer token; it goes to this office's address alone.
    sleep
        Waits between tries, in seconds.
    """

    def __init__(self, mapping: Mapping, token: str | None, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._mapping, self._sleep = mapping, sleep
        address = httpx.URL(mapping.url.rstrip("/") + "/")
        self._http = httpx.Client(
            base_url=address,
            headers={"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {}),
            timeout=mapping.seconds,
            trust_env=address.host not in LOOPBACK,
            verify=_trusted(mapping),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def pages(self, kind: str, source: Source) -> Iterator[list[Any]]:
        """Yield the items of each page.

        Raises
        ------
        OfficeError
            If the office refuses, stays away, sends the same page twice, or something that is not a list.
        """
        paging = self._mapping.paging if source.paging is None else source.paging
        url = self._http.base_url.join(source.path.lstrip("/"))
        _demand_same(url, self._http.base_url)
        if paging.size:
            url = url.copy_merge_params({paging.size: str(paging.items)})
        seen, count, last = set[str](), 0, b""
        for number in range(_MOST_PAGES):
            asked = _numbered(url, paging, number, count)
            if str(asked) in seen:
                raise _again(kind, asked)
            seen.add(str(asked))
            answer = self._get(asked)
            if answer.content == last and _is_counted(paging):
                raise _again(kind, asked)
            last = answer.content
            document = _json(answer)
            items = _items(kind, document, source)
            yield items
            count += len(items)
            following = self._next(answer, document, paging)
            if following is not None:
                url = following
            elif not (_is_counted(paging) and items):
                return
        raise _again(kind, url)

    def _next(self, answer: httpx.Response, document: Any, paging: Paging) -> httpx.URL | None:
        if paging.link_header:
            given = answer.links.get("next", {}).get("url")
        elif paging.next:
            given = _at(document, paging.next)
        else:
            return None
        if not given:
            return None
        following = answer.url.join(str(given))
        _demand_same(following, self._http.base_url)
        return following

    def _get(self, url: httpx.URL) -> httpx.Response:
        wait = _FIRST_WAIT
        for number in range(1, self._mapping.tries + 1):
            try:
                answer = self._http.get(url)
            except httpx.HTTPError as error:
                if isinstance(error.__cause__, ssl.SSLError) or "CERTIFICATE_VERIFY_FAILED" in str(error):
                    raise _untrusted(url) from error
                if number == self._mapping.tries:
                    raise _away(url, f"{type(error).__name__}") from error
            else:
                if answer.status_code not in _PATIENCE:
                    return _checked(answer, self._mapping)
                if number == self._mapping.tries:
                    raise _away(url, str(answer.status_code))
                wait = _asked_wait(answer) or wait
            self._sleep(min(wait, _LONGEST_WAIT))
            wait *= 2
        raise AssertionError  # pragma: no cover - the last try raises or returns


def _numbered(url: httpx.URL, paging: Paging, number: int, count: int) -> httpx.URL:
    if paging.page:
        return url.copy_set_param(paging.page, str(paging.first + number))
    if paging.offset:
        return url.copy_set_param(paging.offset, str(count))
    return url


def _demand_same(url: httpx.URL, office: httpx.URL) -> None:
    """Refuse another server than the one that the token is for."""
    if (url.scheme, url.host, url.port) != (office.scheme, office.host, office.port):
        raise _elsewhere(url)


def _is_counted(paging: Paging) -> bool:
    return paging.page is not None or paging.offset is not None


def _trusted(mapping: Mapping) -> ssl.SSLContext | bool:
    if not mapping.url.startswith("https"):
        # Reading all certificates takes longer than all questions, and plain HTTP has none.
        return False
    if mapping.ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=mapping.ca_file)
    except OSError as error:
        raise OfficeError(
            Words(
                en=f"The certificates of {mapping.ca_file} cannot be read: {error.strerror or error}. Correct ca_file.",
                zh=f"无法读取证书文件 {mapping.ca_file}：{error.strerror or error}。请更正 ca_file。",
            )
        ) from error


def _asked_wait(answer: httpx.Response) -> float | None:
    """Return for how many seconds the office asks to be left alone; a date is not worth its reading."""
    given = answer.headers.get("Retry-After", "")
    return float(given) if given.isdecimal() else None


def _checked(answer: httpx.Response, mapping: Mapping) -> httpx.Response:
    if answer.is_success:
        return answer
    where, status = _plain(answer.url), answer.status_code
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        variable = mapping.token_variable
        hint = f"Check the token in {variable}" if variable else "Name the variable of a token in token_variable"
        hint_zh = f"请检查 {variable} 中的令牌" if variable else "请用 token_variable 指定令牌所在的环境变量"
    else:
        hint, hint_zh = "Check url and path in the mapping", "请检查映射中的 url 和 path"
    raise OfficeError(
        Words(
            en=f"The user office answered {status} at {where}. Nothing was sent. {hint}.",
            zh=f"用户办公室在 {where} 返回 {status}。未发送任何内容。{hint_zh}。",
        )
    )


def _json(answer: httpx.Response) -> Any:
    try:
        return json.loads(answer.content)
    except (ValueError, RecursionError) as error:
        raise OfficeError(
            Words(
                en=f"What the user office answered at {_plain(answer.url)} is not JSON. Nothing was sent. Check url "
                "and path in the mapping.",
                zh=f"用户办公室在 {_plain(answer.url)} 的应答不是 JSON。未发送任何内容。请检查映射中的 url 和 path。",
            )
        ) from error


def _items(kind: str, document: Any, source: Source) -> list[Any]:
    items = document if source.list is None else _at(document, source.list)
    if not isinstance(items, list):
        where = source.list or "the answer"
        raise OfficeError(
            Words(
                en=f"{kind}: {where} is not a list. Nothing was sent. Correct “list” of sources.{kind} in the mapping.",
                zh=f"{kind}：{source.list or '应答'} 不是列表。未发送任何内容。请更正映射中 sources.{kind} 的 list。",
            )
        )
    return items


def _at(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _plain(url: httpx.URL) -> str:
    """Return an address without its parameters, which may hold anything."""
    return str(url.copy_with(query=None, fragment=None))


def _again(kind: str, url: httpx.URL) -> OfficeError:
    return OfficeError(
        Words(
            en=f"{kind}: the user office gives the same page again and again at {_plain(url)}. Nothing was sent. "
            "Correct “paging” in the mapping.",
            zh=f"{kind}：用户办公室在 {_plain(url)} 反复返回同一页。未发送任何内容。请更正映射中的 paging。",
        )
    )


def _elsewhere(url: httpx.URL) -> OfficeError:
    return OfficeError(
        Words(
            en=f"The next page would be at {url.host}, which is another server; the token is not for it. Nothing was "
            "sent. Ask the user office.",
            zh=f"用户办公室给出的下一页在另一台服务器 {url.host} 上，令牌不应发往该处。未发送任何内容。"
            "请联系用户办公室。",
        )
    )


def _untrusted(url: httpx.URL) -> OfficeError:
    return OfficeError(
        Words(
            en=f"Nobody whom this machine trusts vouches for {url.host}. Nothing was asked. Name the certificate of "
            "the authority in ca_file of the mapping.",
            zh=f"本机不信任 {url.host} 的证书。未发送请求。请在映射的 ca_file 中指定签发机构的证书。",
        )
    )


def _away(url: httpx.URL, reason: str) -> OfficeError:
    return OfficeError(
        Words(
            en=f"The user office does not answer at {_plain(url)} ({reason}). Nothing was sent. Try again later.",
            zh=f"用户办公室在 {_plain(url)} 没有响应（{reason}）。未发送任何内容。请稍后重试。",
        )
    )
