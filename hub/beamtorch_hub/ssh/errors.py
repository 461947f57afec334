"""Why `beamtorch ssh` got no connection, each with an exit code of its own (docs/reference/exit-codes.md)."""

from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words


class SshError(BeamtorchError):
    """The base of what stands between somebody and their lab."""

    code = "ssh-error"
    title = Words(en="No ssh connection", zh="未建立 ssh 连接")


class NoTokenError(SshError):
    """No token or no address is known, or it could leak."""

    code = "no-token"
    exit_code = 4
    title = Words(en="No token is known", zh="没有令牌")


class TokenNotTakenError(SshError):
    """The Hub does not know the token, or it may not open the server."""

    code = "token-not-taken"
    exit_code = 5
    title = Words(en="The token was not taken", zh="令牌未被接受")


class LabNotRunningError(SshError):
    """There is no server to come in."""

    code = "lab-not-running"
    exit_code = 6
    title = Words(en="The server does not run", zh="服务器未运行")


class PlatformUnreachableError(SshError):
    """Nobody answers at the platform's address."""

    code = "platform-unreachable"
    exit_code = 7
    title = Words(en="The platform does not answer", zh="平台无响应")


class NoWayInError(SshError):
    """The server runs and lets nobody in by ssh."""

    code = "no-way-in"
    exit_code = 8
    title = Words(en="ssh is not possible there", zh="该服务器无法使用 ssh")


class ConnectionLostError(SshError):
    """The connection broke."""

    code = "connection-lost"
    exit_code = 9
    title = Words(en="The connection was lost", zh="连接中断")
