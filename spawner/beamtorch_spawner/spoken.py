"""Times and amounts as sentences say them, in both languages; clock times are in the zone of the process (TZ)."""

import calendar
from datetime import datetime, timedelta

from beamtorch_facility.look.written import memory, number
from beamtorch_facility.words import Words
from beamtorch_spawner.resources import CORES, GPU_HOURS, MEMORY, SERVERS, is_gpu

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_SECONDS_UP_TO = 10 * _MINUTE


def clock_time(at: datetime, now: datetime) -> Words:
    """Return a moment near to now as “18:00”, “tomorrow 09:15” or “Tue 17 Nov 18:00”."""
    local, today = at.astimezone(), now.astimezone().date()
    clock = f"{local:%H:%M}"
    days = (local.date() - today).days
    if days == 0:
        return Words(en=clock, zh=clock)
    near = {1: ("tomorrow", "明天"), -1: ("yesterday", "昨天")}.get(days)
    if near is not None:
        return Words(en=f"{near[0]} {clock}", zh=f"{near[1]} {clock}")
    # Not strftime's names: a process's locale must not leak into an English sentence.
    weekday, month = calendar.day_abbr[local.weekday()], calendar.month_abbr[local.month]
    year = "" if local.year == today.year else f" {local.year}"
    zh_year = "" if local.year == today.year else f"{local.year} 年 "
    return Words(
        en=f"{weekday} {local.day} {month}{year} {clock}", zh=f"{zh_year}{local.month} 月 {local.day} 日 {clock}"
    )


def duration(seconds: float) -> Words:
    """Return a length of time in two units at most: “2 h 14 min”, “45 s”; seconds only below ten minutes."""
    left = max(0, round(seconds))
    if left < _SECONDS_UP_TO:
        minutes, rest = divmod(left, _MINUTE)
        parts = [(minutes, "min", "分"), (rest, "s", "秒")]
    elif left < _DAY:
        hours, rest = divmod(left, _HOUR)
        parts = [(hours, "h", "小时"), (rest // _MINUTE, "min", "分")]
    else:
        days, rest = divmod(left, _DAY)
        parts = [(days, "d", "天"), (rest // _HOUR, "h", "小时")]
    shown = [part for part in parts if part[0]] or [parts[-1]]
    return Words(
        en=" ".join(f"{count} {unit}" for count, unit, _ in shown), zh=" ".join(f"{n} {u}" for n, _, u in shown)
    )


def until(at: datetime, now: datetime) -> timedelta:
    """Return how long it is until a moment, never negative."""
    return max(at - now, timedelta())


def plain_amount(resource: str, amount: int) -> float:
    """Return an amount of `Resources.amounts` in the unit that people use: cores, bytes, pieces, hours."""
    if resource == CORES:
        return amount / 1000
    return amount / _HOUR if resource == GPU_HOURS else amount


def amount(resource: str, of: int) -> str:
    """Return an amount without the name of what it is of: “16”, “512 GiB”, “3.5”."""
    if resource == MEMORY:
        return memory(of)
    value = plain_amount(resource, of)
    return number(round(value, 1))


def resource_name(resource: str) -> Words:
    """Return how a sentence calls a resource."""
    known = {
        CORES: Words(en="cores", zh="核 CPU"),
        MEMORY: Words(en="memory", zh="内存"),
        SERVERS: Words(en="servers", zh="个服务器"),
        GPU_HOURS: Words(en="GPU-hours this month", zh="GPU 小时（本月）"),
    }
    if resource in known:
        return known[resource]
    if resource.endswith("/gpu") and is_gpu(resource):
        return Words(en="GPUs", zh="块 GPU")
    return Words(en=resource, zh=resource)
