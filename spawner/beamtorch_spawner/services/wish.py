"""What POST userpod/ asks for beside the options of a start: a command, variables, ssh keys. Checked here, once."""

import re

from pydantic import BaseModel, ConfigDict

from beamtorch_facility.words import Words
from beamtorch_identity.ssh_keys import PublicKey, SshKeyRefusedError
from beamtorch_spawner.errors import SpawnerError

RESERVED = ("JUPYTERHUB_", "JUPYTER_", "JPY_", "BEAMTORCH_", "KUBERNETES_", "CONFIGPROXY_")
RESERVED_WHOLE = frozenset({"HOME", "USER", "LOGNAME", "PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "PYTHONPATH", "SHELL"})
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_LONGEST_VALUE = 8192


class WishRefusedError(SpawnerError):
    """A command, variable or key that cannot be taken."""

    code = "wish-refused"
    status = 422
    title = Words(en="This cannot be part of a start", zh="启动请求中有无法接受的内容")


class Wish(BaseModel):
    """What a start takes with it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: tuple[str, ...] = ()
    variables: dict[str, str] = {}
    ssh_keys: tuple[str, ...] = ()
    description: str | None = None
    run_seconds: int | None = None


def check_wish(wish: Wish) -> Wish:
    """Return the wish if all of it can be taken.

    Raises
    ------
    WishRefusedError
        Naming the first thing that cannot.
    """
    for name, value in wish.variables.items():
        _check_variable(name, value)
    for word in wish.command:
        if "\0" in word:
            raise WishRefusedError(
                Words(en="A command cannot contain a NUL character. Remove it.", zh="命令中不能包含 NUL 字符，请删除。")
            )
    for number, key in enumerate(wish.ssh_keys, start=1):
        _check_key(number, key)
    return wish


def _check_variable(name: str, value: str) -> None:
    shown = name[:60]
    if not _VARIABLE.fullmatch(name):
        raise WishRefusedError(
            Words(
                en=f"“{shown}” cannot be the name of a variable. Use letters, digits and _.",
                zh=f"“{shown}”不能作为变量名。请使用字母、数字和下划线。",
            )
        )
    if name.startswith(RESERVED) or name in RESERVED_WHOLE:
        raise WishRefusedError(
            Words(
                en=f"The variable {shown} is the platform's own. Leave it out.",
                zh=f"变量 {shown} 由平台设置，请去掉。",
            )
        )
    if "\0" in value or len(value) > _LONGEST_VALUE:
        raise WishRefusedError(
            Words(
                en=f"The value of {shown} contains a NUL character or is longer than {_LONGEST_VALUE} characters.",
                zh=f"变量 {shown} 的值包含 NUL 字符，或超过 {_LONGEST_VALUE} 个字符。",
            )
        )


def _check_key(number: int, key: str) -> None:
    try:
        PublicKey.parse(key)
    except SshKeyRefusedError as refused:
        raise WishRefusedError(
            Words(
                en=f"ssh key {number} cannot be taken. {refused.detail.en}",
                zh=f"第 {number} 个 ssh 公钥无效：{refused.detail.zh}",
            ),
            key=number,
        ) from refused
