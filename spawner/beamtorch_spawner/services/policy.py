"""The decision on a start, pure: what is on offer, who asks, what was chosen. It knows no database and no hub."""

from typing import Any

from pydantic import ValidationError

from beamtorch_facility.words import Words
from beamtorch_spawner.environments import DEFAULT_SERVER, Environment
from beamtorch_spawner.errors import LeaseOverError, ServerInUseError, UnknownEnvironmentError, UnknownOptionError
from beamtorch_spawner.wire import LeaseState, UserOptions

_SHOWN = 60

_NEXT = {
    LeaseState.REQUESTED: {LeaseState.ADMITTED, LeaseState.REFUSED},
    LeaseState.ADMITTED: {LeaseState.STARTING, LeaseState.RUNNING, LeaseState.STOPPING},
    LeaseState.STARTING: {LeaseState.RUNNING, LeaseState.STOPPING},
    LeaseState.RUNNING: {LeaseState.STOPPING},
    LeaseState.STOPPING: set[LeaseState](),
}
_LAST = {LeaseState.ENDED, LeaseState.FAILED}


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def parse_options(given: dict[str, Any]) -> UserOptions:
    """Return the options of a start, or refuse: they come from any user by REST, without a form.

    Raises
    ------
    UnknownOptionError
        For an option that nobody offered, or a value that cannot be one.
    """
    unknown = [name for name in given if name not in UserOptions.model_fields]
    if unknown:
        name = _shown(unknown[0])
        raise UnknownOptionError(
            Words(
                en=f"There is no option “{name}”. A start takes environment and dataset; leave the rest out.",
                zh=f"没有选项“{name}”。启动时只接受 environment 和 dataset，请去掉其他选项。",
            ),
            option=name,
        )
    try:
        return UserOptions.model_validate(given)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        value = _shown(given[name])
        raise UnknownOptionError(
            Words(
                en=f"“{value}” cannot be the {name} of a start. Choose one on the start page.",
                zh=f"“{value}”不能作为启动选项 {name} 的值。请在启动页面选择。",
            ),
            option=name,
        ) from error


def choose_environment(offers: tuple[Environment, ...], options: UserOptions, server: str) -> Environment:
    """Return the environment that a start is for.

    No environment named means the only one of that server, so that a plain start through the Hub's REST API works.

    Raises
    ------
    UnknownEnvironmentError
        If the environment is not on offer, or belongs to another server.
    """
    if options.environment is None:
        found = [offer for offer in offers if offer.server == server]
        if len(found) == 1:
            return found[0]
        called = _shown(server or DEFAULT_SERVER)
        raise UnknownEnvironmentError(
            Words(
                en=f"No environment was named for the server “{called}”. {_list(offers).en}",
                zh=f"未指明服务器“{called}”的环境。{_list(offers).zh}",
            )
        )
    for offer in offers:
        if offer.id == options.environment:
            return _on_its_server(offer, server)
    name = _shown(options.environment)
    raise UnknownEnvironmentError(
        Words(en=f"There is no environment “{name}”. {_list(offers).en}", zh=f"没有环境“{name}”。{_list(offers).zh}"),
        environment=name,
    )


def _on_its_server(offer: Environment, server: str) -> Environment:
    if offer.server == server:
        return offer
    right, wrong = offer.server or DEFAULT_SERVER, _shown(server or DEFAULT_SERVER)
    raise UnknownEnvironmentError(
        Words(
            en=f"{offer.name.en} runs as the server “{right}”, not as “{wrong}”. Start it from its card.",
            zh=f"{offer.name.zh} 使用服务器“{right}”，而不是“{wrong}”。请从它的卡片启动。",
        ),
        environment=offer.id,
    )


def _list(offers: tuple[Environment, ...]) -> Words:
    ids = ", ".join(offer.id for offer in offers) or "–"
    return Words(en=f"On offer: {ids}.", zh=f"可选环境：{ids}。")


def refuse_second(*, lease: str, state: LeaseState, server: str) -> None:
    """Refuse a start while the same server runs; a start that never came to running does not stand in the way.

    Raises
    ------
    ServerInUseError
        If the lease that holds the server runs or stops.
    """
    if state not in {LeaseState.RUNNING, LeaseState.STOPPING}:
        return
    called = _shown(server or DEFAULT_SERVER)
    raise ServerInUseError(
        Words(
            en=f"Your server “{called}” already runs. Open it, or stop it first.",
            zh=f"您的服务器“{called}”已在运行。请打开它，或先停止它。",
        ),
        lease=lease,
    )


def check_change(*, old: LeaseState, new: LeaseState) -> bool:
    """Tell whether a report changes a lease; a repeated report changes nothing.

    Raises
    ------
    LeaseOverError
        If the lease cannot go there.
    """
    if old is new:
        return False
    if old.is_active and (new in _LAST or new in _NEXT[old]):
        return True
    raise LeaseOverError(
        Words(
            en=f"A lease that is {old} cannot become {new}. Ask for a new admission.",
            zh=f"租约状态为 {old}，不能变为 {new}。请重新申请。",
        ),
        state=old.value,
    )
