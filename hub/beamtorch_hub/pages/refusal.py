"""What went wrong, in words: our own errors speak for themselves, JupyterHub's are told again in two languages."""

import re
from dataclasses import dataclass
from typing import Any

from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words


@dataclass(frozen=True)
class Refusal:
    """An error as a page shows it."""

    title: Words
    detail: Words
    code: str
    original: str = ""
    """What JupyterHub said, word for word, for whoever reads the log beside it; empty if ours says it all."""


_TITLES = {
    400: Words(en="That did not work", zh="操作未完成"),
    401: Words(en="Not signed in", zh="尚未登录"),
    403: Words(en="Not allowed", zh="没有权限"),
    404: Words(en="Nothing here", zh="此处没有内容"),
    405: Words(en="Not from here", zh="此处不支持该操作"),
    409: Words(en="Something else is in the way", zh="与现有内容冲突"),
    429: Words(en="Too much at once", zh="请求过多"),
    503: Words(en="Not reachable at the moment", zh="暂时无法访问"),
    504: Words(en="No answer in time", zh="等待超时"),
}
_DETAILS = {
    403: Words(
        en="Your account may not do this. Ask the facility, or sign in with another account.",
        zh="您的账号无权进行此操作。请联系设施人员，或换用其他账号登录。",
    ),
    404: Words(
        en="No page has this address, or it belongs to somebody else. What you can open is on Start.",
        zh="没有这个地址的页面，或它属于其他人。您可以打开的内容都在“启动”页。",
    ),
    405: Words(en="Open Start and use its buttons.", zh="请在“启动”页用按钮操作。"),
    503: Words(
        en="The part of the platform that was asked does not answer. It is usually back within a minute; try again.",
        zh="平台的相应部分没有响应，通常一分钟内恢复，请重试。",
    ),
}
_TWICE = re.compile(r"(?s)(?P<en>.+?) · (?P<zh>[^·]*[一-鿿][^·]*)")
"""A message that says it in both languages, as our own parts write where JupyterHub takes one text."""
_ELSE_TITLE = Words(en="Something broke here", zh="内部出错")
_ELSE = Words(
    en="The platform made a mistake, and it is written to the Hub's log. Go back to Start; "
    "if it happens again, tell the facility.",
    zh="平台内部出错，已写入登录中心的日志。请回到“启动”页；若再次出现，请告知设施人员。",
)

# What JupyterHub says, and how a person would say it. The first match counts; groups fill the braces.
_RETOLD: tuple[tuple[str, Words, Words], ...] = (
    (
        r"Invalid username or password",
        Words(en="Not signed in", zh="登录未成功"),
        Words(
            en="User name and password do not match. Check both; capital letters count.",
            zh="用户名与密码不符。请检查两者，注意区分大小写。",
        ),
    ),
    (
        r"Login form invalid or expired|XSRF|_xsrf",
        Words(en="This page is too old", zh="页面已过期"),
        Words(
            en="It was open for so long that its seal has expired, or you signed in elsewhere meanwhile. Try again.",
            zh="页面打开时间过长，或期间在别处登录过，校验已失效。请重试。",
        ),
    ),
    (
        r"is already running",
        Words(en="It runs already", zh="已在运行"),
        Words(
            en="This server runs already. Open it on Start, or stop it there first.",
            zh="该服务已在运行。请在“启动”页打开，或先停止它。",
        ),
    ),
    (
        r"pending (?:spawn|check)",
        Words(en="It is starting already", zh="正在启动"),
        Words(en="This server is just starting. Wait a moment.", zh="该服务正在启动，请稍候。"),
    ),
    (
        r"pending stop|is stopping",
        Words(en="It is just stopping", zh="正在停止"),
        Words(en="Wait until it has stopped, then start again.", zh="请等它停止后再启动。"),
    ),
    (
        r"Too many users trying to log in right now\. Try again in ([\w ]+)",
        Words(en="Many starts at once", zh="启动请求过多"),
        Words(en="Many people start something just now. Try again in {0}.", zh="目前启动的人较多，请稍后（{0}）重试。"),
    ),
    (
        r"Active user limit exceeded",
        Words(en="All places are taken", zh="名额已满"),
        Words(
            en="As many labs run as the facility allows. Try again in a few minutes.",
            zh="正在运行的实验室已达设施上限，请几分钟后重试。",
        ),
    ),
    (
        r"[Tt]imed? ?out|didn't respond in (\d+) seconds",
        Words(en="It did not answer in time", zh="启动超时"),
        Words(
            en="The server was started, but did not answer in time, and was stopped again. Try once more; "
            "if it stays, tell the facility.",
            zh="服务已启动但未及时响应，已被停止。请再试一次；若仍如此，请告知设施人员。",
        ),
    ),
    (
        r"cancelled",
        Words(en="The start was cancelled", zh="启动已取消"),
        Words(en="Nothing runs, nothing was changed.", zh="没有运行任何内容，也未作更改。"),
    ),
    (
        r"No access to resources or resources not found|No such user",
        Words(en="Nothing here for you", zh="您无法访问此处"),
        Words(
            en="No server has this address, or it belongs to somebody else. Yours are on Start.",
            zh="没有这个地址的服务，或它属于其他人。您的服务在“启动”页。",
        ),
    ),
    (
        r"failed to start \[status=(-?\w+)\]|Unhandled error starting server",
        Words(en="It did not start", zh="启动失败"),
        Words(
            en="The server ended while it was starting. Try again; if it stays, the facility finds the reason "
            "in its log.",
            zh="服务在启动过程中退出。请重试；若仍如此，设施人员可在日志中查明原因。",
        ),
    ),
)


def explain(message: str | None = "", *, exception: BaseException | None = None, status: int = 0) -> Refusal:
    """Return what to tell a person about an error of the Hub.

    Parameters
    ----------
    message
        What JupyterHub would have shown.
    exception
        What was raised; one of our own errors in its chain is believed before the message.
    status
        The HTTP status of the answer.
    """
    ours = _ours(exception)
    if ours is not None:
        return Refusal(ours.title, ours.detail, ours.code)
    said = str(message or "") or (str(exception) if exception else "")
    twice = _TWICE.fullmatch(said)
    if twice:
        return Refusal(_TITLES.get(status, _TITLES[503]), Words(en=twice["en"], zh=twice["zh"]), "hub")
    for pattern, title, detail in _RETOLD:
        found = re.search(pattern, said)
        if found:
            return Refusal(title, _filled(detail, found.groups("")), "hub", said)
    return Refusal(
        _TITLES.get(status, _ELSE_TITLE), _DETAILS.get(status, _ELSE), f"http-{status}" if status else "hub", said
    )


def _ours(exception: BaseException | None) -> Any:
    """Return the first error in a chain that speaks both languages."""
    seen: set[int] = set()
    while exception is not None and id(exception) not in seen:
        seen.add(id(exception))
        if isinstance(exception, BeamtorchError):
            return exception
        exception = exception.__cause__ or exception.__context__
    return None


def _filled(words: Words, values: tuple[str, ...]) -> Words:
    return Words(en=words.en.format(*values), zh=words.zh.format(*values))
