"""The decision on a start, pure: what is on offer, who asks, what was chosen. It knows no database and no hub."""

import re
from typing import Any

from pydantic import ValidationError

from beamtorch_facility.words import Words
from beamtorch_spawner.environments import DEFAULT_SERVER, Environment
from beamtorch_spawner.errors import (
    LeaseOverError,
    NotOfferedError,
    ServerInUseError,
    UnknownEnvironmentError,
    UnknownOptionError,
)
from beamtorch_spawner.policy_file import Policy, fits
from beamtorch_spawner.resources import Resources
from beamtorch_spawner.spoken import amount, resource_name
from beamtorch_spawner.wire import LeaseState, UserOptions

_SHOWN = 60
_SERVER_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?")
"""JupyterHub's own rule since 6.0."""

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


def choose_environment(
    offers: tuple[Environment, ...], options: UserOptions, server: str, *, groups: tuple[str, ...] = ()
) -> Environment:
    """Return the environment that a start is for.

    No environment named means the only one of that server, so that a plain start through the Hub's REST API works. An
    environment runs under its own server name, or under any name that is no other environment's own.

    Raises
    ------
    UnknownEnvironmentError
        If the environment is not on offer to people of these groups, or the server belongs to another one.
    """
    offers = tuple(offer for offer in offers if offer.is_for(groups))
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
            return _on_its_server(offer, server, offers)
    name = _shown(options.environment)
    raise UnknownEnvironmentError(
        Words(en=f"There is no environment “{name}”. {_list(offers).en}", zh=f"没有环境“{name}”。{_list(offers).zh}"),
        environment=name,
    )


def _on_its_server(offer: Environment, server: str, offers: tuple[Environment, ...]) -> Environment:
    free = _SERVER_NAME.fullmatch(server) is not None and server not in {other.server for other in offers}
    if offer.server == server or free:
        return offer
    right, wrong = offer.server or DEFAULT_SERVER, _shown(server or DEFAULT_SERVER)
    raise UnknownEnvironmentError(
        Words(
            en=f"{offer.name.en} runs as the server “{right}”, not as “{wrong}”. Start it from its card.",
            zh=f"{offer.name.zh} 使用服务器“{right}”，而不是“{wrong}”。请从它的卡片启动。",
        ),
        environment=offer.id,
    )


def environment_of_image(offers: tuple[Environment, ...], image: str, groups: tuple[str, ...]) -> str | None:
    """Return the id of the first environment whose image, or list of images, an image is in."""
    for offer in offers:
        if offer.is_for(groups) and (offer.image == image or any(fits(pattern, image) for pattern in offer.images)):
            return offer.id
    return None


def choose_image(environment: Environment, options: UserOptions, policy: Policy) -> str | None:
    """Return the image of a start.

    Raises
    ------
    NotOfferedError
        If the image is neither the environment's nor on a list.
    """
    if options.image is None or options.image == environment.image:
        return environment.image
    if any(fits(pattern, options.image) for pattern in environment.images) or policy.allows_image(options.image):
        return options.image
    image = _shown(options.image)
    raise NotOfferedError(
        Words(
            en=f"The image “{image}” is not on the list of {environment.name.en}. Ask the facility to add it.",
            zh=f"镜像“{image}”不在 {environment.name.zh} 的允许列表中。请联系设施人员添加。",
        ),
        image=image,
    )


def choose_resources(environment: Environment, options: UserOptions) -> Resources:
    """Return what a start gets: what was chosen, within what the environment allows.

    Raises
    ------
    NotOfferedError
        If more was chosen than the environment gives.
    """
    usual = environment.resources
    wanted = Resources(
        cores=usual.cores if options.cores is None else options.cores,
        memory=usual.memory if options.memory is None else options.memory,
        extended=usual.extended if options.extra_resource is None else options.extra_resource,
    )
    most = environment.most or usual
    if wanted.cores <= 0 or wanted.memory <= 0:
        raise NotOfferedError(
            Words(
                en="A start needs some cores and some memory. Leave them out to get the usual.",
                zh="启动需要一定的核数和内存。不填则使用默认值。",
            )
        )
    if name := wanted.fits_in(most):
        what = resource_name(name)
        limit, asked = amount(name, most.amounts().get(name, 0)), amount(name, wanted.amounts()[name])
        raise NotOfferedError(
            Words(
                en=f"{environment.name.en} gives at most {limit} {what.en}; {asked} were asked for. Ask for less.",
                zh=f"{environment.name.zh} 最多提供 {limit} {what.zh}，申请了 {asked}。请减少申请量。",
            ),
            resource=name,
        )
    return wanted


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
