"""The sentences of an explanation, in both languages."""

import os
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from beamtorch_facility.identity import Identity
from beamtorch_facility.words import Words
from beamtorch_identity.acl.control import Basis, Decision
from beamtorch_identity.acl.model import Permissions
from beamtorch_identity.acl.walking import Outcome


class Operation(StrEnum):
    """What somebody may want of a file or folder."""

    READ = "read"
    WRITE = "write"
    LIST = "list"
    ENTER = "enter"
    CHANGE = "change"
    """Make, rename and remove what is in a folder."""


_VERBS = {
    Operation.READ: Words(en="read", zh="读取"),
    Operation.WRITE: Words(en="write", zh="写入"),
    Operation.LIST: Words(en="list", zh="列出"),
    Operation.ENTER: Words(en="enter", zh="进入"),
    Operation.CHANGE: Words(en="make or remove entries in", zh="增删条目于"),
}
_ENDS = {
    Outcome.MISSING: Words(en="{at} does not exist.", zh="{at} 不存在。"),
    Outcome.NOT_A_FOLDER: Words(en="{at} is no folder; nothing lies in it.", zh="{at} 不是目录，其中没有内容。"),
    Outcome.LOOP: Words(en="The links at {at} lead in a circle.", zh="{at} 处的链接形成循环。"),
    Outcome.LINK_REFUSED: Words(
        en="The kernel lets nobody follow the link {at}: it lies in a folder that everybody writes to, and is neither "
        "{name}'s own nor the folder's owner's.",
        zh="内核不允许跟随链接 {at}：它位于人人可写的目录中，且不属于 {name} 或目录所有者。",
    ),
}
_BASIS = {
    Basis.OWNER: Words(en="the owner's entry", zh="所有者条目"),
    Basis.NAMED_USER: Words(en="named user entry", zh="指定用户条目"),
    Basis.OWNING_GROUP: Words(en="the owning group's entry", zh="所属组条目"),
    Basis.NAMED_GROUP: Words(en="named group entry", zh="指定组条目"),
    Basis.OTHERS: Words(en="the entry of all others", zh="其他人条目"),
    Basis.ROOT: Words(en="root, whom no entry limits", zh="root 不受条目限制"),
}


def shown(path: Path) -> str:
    """Return a path that can be printed, whatever bytes its names are of."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def by(decision: Decision) -> Words:
    """Name the entry that decides, and what limits it: “named user entry user:7:r-x, limited by mask::r-- to r--”."""
    basis = _BASIS[decision.basis]
    en, zh = " ".join([basis.en, *decision.entries[:1]]), " ".join([basis.zh, *decision.entries[:1]])
    if len(decision.entries) > 1:
        lines = ", ".join(decision.entries)
        en, zh = f"of the groups' entries {lines} none is enough", f"各组条目 {lines} 均不足够"
    if decision.limit is not None:
        en += f", limited by {decision.limit} to {decision.granted.text}"
        zh += f"，受 {decision.limit} 限制为 {decision.granted.text}"
    if decision.ignored:
        en += ", because the mask is empty and Linux then ignores the entries of named users and groups"
        zh += "，因掩码为空，Linux 忽略指定用户和组的条目"
    return Words(en=en, zh=zh)


def on_the_way(name: str, at: Path, outcome: Outcome, decision: Decision | None) -> Words:
    """Say why a path is not reached."""
    if decision is not None:
        why = by(decision)
        return Words(
            en=f"{name} cannot pass the folder {shown(at)}: {why.en}.",
            zh=f"{name} 无法通过目录 {shown(at)}：{why.zh}。",
        )
    words = _ENDS[outcome]
    told = {"at": shown(at), "name": name}
    return Words(en=words.en.format(**told), zh=words.zh.format(**told))


def at_the_end(name: str, at: Path, operation: Operation, outcome: Outcome, decision: Decision) -> Words:
    """Say why what a path leads to may be used or not."""
    verb, place, why = _VERBS[operation], shown(at), by(decision)
    match outcome:
        case Outcome.ALLOWED:
            return Words(en=f"{name} can {verb.en} {place}: {why.en}.", zh=f"{name} 可以{verb.zh} {place}：{why.zh}。")
        case Outcome.READ_ONLY:
            en = f"{name} cannot {verb.en} {place}: its file system is read-only."
            return Words(en=en, zh=f"{name} 无法{verb.zh} {place}：文件系统为只读。")
        case _:
            return Words(
                en=f"{name} cannot {verb.en} {place}: {why.en}.", zh=f"{name} 无法{verb.zh} {place}：{why.zh}。"
            )


def hints(person: Identity, at: Path, decisions: Iterable[Decision]) -> tuple[Words, ...]:
    """Say what else counts, and what would change a refusal."""
    found: dict[str, Words] = {}
    for decision in decisions:
        for hint in (_joined(person, decision), _masked(at, decision)):
            if hint is not None:
                found[hint.en] = hint
    return tuple(found.values())


def _joined(person: Identity, decision: Decision) -> Words | None:
    numbers = set(decision.groups) - {person.gid}
    if not decision.allowed or not numbers:
        return None
    names = sorted(name for name, number in person.gids.items() if number in numbers)
    told, name = ", ".join(names) or ", ".join(map(str, sorted(numbers))), person.username
    return Words(
        en=f"This is by the group {told}, in which the directory has {name} now. A server that was started before "
        f"{name} joined it does not have the group: it has to be started anew.",
        zh=f"依据的是组 {told}，目录中 {name} 目前属于该组。在加入之前启动的服务器没有该组，需要重新启动。",
    )


def _masked(at: Path, decision: Decision) -> Words | None:
    held = [Permissions.parse(line[-3:]) for line in decision.entries]
    if decision.allowed or (decision.limit is None and not decision.ignored):
        return None
    if not decision.ignored and all(decision.asked & ~one for one in held):
        return None
    mend = f"chmod g+{decision.asked.text.replace('-', '')} {shown(at)}"
    return Words(
        en=f"Only the mask is in the way: somebody changed the mode of {shown(at)}. Its owner can give it back: {mend}",
        zh=f"只有掩码阻挡：有人更改了 {shown(at)} 的权限位。其所有者可恢复：{mend}",
    )
