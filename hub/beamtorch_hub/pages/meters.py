"""The quotas that count for somebody, as meters: what is used, what a start adds, and which one is the tightest."""

from collections.abc import Iterable
from dataclasses import dataclass

from beamtorch_facility.words import Words
from beamtorch_spawner.environments import Environment
from beamtorch_spawner.resources import GPU_HOURS, amount_of
from beamtorch_spawner.spoken import amount, resource_name
from beamtorch_spawner.wire import QuotaScope, QuotaUse

_WARNING = 0.9


@dataclass(frozen=True)
class Meter:
    """One quota on the page."""

    name: Words
    shown: Words
    adds: str
    """What a start of the chosen environment adds; empty for nothing."""
    used: float
    """Per cent of the limit."""
    added: float
    level: str
    """``""``, ``warn`` near the limit, ``bad`` at it."""
    trouble: Words | None
    """What a start of the chosen environment meets here; None: there is room and some is left."""


def meters(quotas: Iterable[QuotaUse], offer: Environment | None) -> tuple[Meter, ...]:
    """Return the meters of a person.

    Parameters
    ----------
    quotas
        What counts for them, as the spawner API tells it.
    offer
        The environment that they have chosen; None: they have not.
    """
    wants = _wants(offer) if offer is not None else {}
    return tuple(_meter(quota, wants.get(quota.resource, 0)) for quota in quotas)


def _wants(offer: Environment) -> dict[str, int]:
    return {**offer.resources.amounts(), GPU_HOURS: int(offer.gpus > 0)}


def _meter(quota: QuotaUse, wanted: int) -> Meter:
    resource, is_hours = quota.resource, quota.resource == GPU_HOURS
    most, used = amount_of(resource, quota.limit), amount_of(resource, quota.used)
    what, whose = resource_name(resource), _whose(quota)
    shown = (amount(resource, used), amount(resource, most))
    share = used / most if most else 1.0
    return Meter(
        name=Words(en=f"{_capital(what.en)}, {whose.en}", zh=f"{_uncounted(what.zh)}，{whose.zh}"),
        shown=Words(en=f"{shown[0]} of {shown[1]}", zh=f"{shown[0]} / {shown[1]}"),
        adds=f"+{amount(resource, wanted)}" if wanted and not is_hours else "",
        used=min(100.0, round(100 * share, 1)),
        added=max(0.0, min(100 - 100 * share, round(100 * wanted / most, 1))) if most and not is_hours else 0.0,
        level="bad" if used >= most else "warn" if share >= _WARNING else "",
        trouble=_trouble(quota, used=used, most=most, wanted=wanted),
    )


def _trouble(quota: QuotaUse, *, used: int, most: int, wanted: int) -> Words | None:
    if not wanted or used + wanted < most:
        return None
    what, whose = resource_name(quota.resource), _whose(quota)
    if used + wanted > most:
        return Words(
            en=f"There is no room for this start now: {amount(quota.resource, used)} of {amount(quota.resource, most)} "
            f"{what.en} are in use ({whose.en}).",
            zh=f"当前无法启动：{whose.zh}已用 {amount(quota.resource, used)} / {amount(quota.resource, most)} "
            f"{what.zh}。",
        )
    return Words(
        en=f"This start takes the last of the {what.en} ({whose.en}).",
        zh=f"此次启动将用完{whose.zh}的{_uncounted(what.zh)}。",
    )


def _whose(quota: QuotaUse) -> Words:
    match quota.scope:
        case QuotaScope.USER:
            return Words(en="you", zh="您")
        case QuotaScope.GROUP:
            return Words(en=f"group {quota.subject}", zh=f"课题组 {quota.subject}")
        case QuotaScope.BEAMLINE:
            return Words(en=quota.subject, zh=f"线站 {quota.subject}")
    return Words(en="the facility", zh="全设施")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _uncounted(name: str) -> str:
    """Return a Chinese name without its measure word, which belongs to a count."""
    return name.removeprefix("块 ").removeprefix("个").removeprefix("核 ")
