"""What can go wrong with a platform on one machine, each with the exit code of the command that met it.

The codes are listed in docs/reference/exit-codes.md.
"""

from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words


class PlatformError(BeamtorchError):
    """The base of what can go wrong with `beamtorch up` and its sisters."""

    code = "platform-error"
    status = 503
    title = Words(en="The platform cannot do that", zh="平台无法完成此操作")


class HomeNotUsableError(PlatformError):
    """The platform's folder cannot be made or written."""

    code = "home-not-usable"
    exit_code = 10
    title = Words(en="The platform's folder cannot be used", zh="无法使用平台文件夹")


class PortTakenError(PlatformError):
    """Somebody else listens at the port."""

    code = "port-taken"
    exit_code = 11
    title = Words(en="The port is taken", zh="端口被占用")


class AlreadyRunningError(PlatformError):
    """A platform runs from this home."""

    code = "already-running"
    exit_code = 12
    title = Words(en="The platform runs already", zh="平台已在运行")


class NotRunningError(PlatformError):
    """No platform runs from this home."""

    code = "not-running"
    exit_code = 13
    title = Words(en="The platform does not run", zh="平台未运行")


class ChildFailedError(PlatformError):
    """A process of the platform did not come up."""

    code = "child-failed"
    exit_code = 14
    title = Words(en="A part of the platform did not start", zh="平台的一个进程未能启动")


class ChildGaveUpError(PlatformError):
    """A process of the platform ended again and again."""

    code = "child-gave-up"
    exit_code = 15
    title = Words(en="A part of the platform keeps ending", zh="平台的一个进程反复退出")


class ProgramMissingError(PlatformError):
    """The proxy, or the Node that it runs on, is not installed."""

    code = "program-missing"
    exit_code = 16
    title = Words(en="A program is missing", zh="缺少程序")


class DiskFullError(PlatformError):
    """No room is left for the platform's folder."""

    code = "disk-full"
    exit_code = 17
    title = Words(en="The disk is full", zh="磁盘已满")


class FirstStartError(PlatformError):
    """The facility could not be made or catalogued at the first start."""

    code = "first-start-failed"
    exit_code = 18
    title = Words(en="The first start did not finish", zh="首次启动未完成")


class TokenRefusedError(PlatformError):
    """No token was made."""

    code = "token-refused"
    status = 403
    exit_code = 19
    title = Words(en="No token was made", zh="未能生成令牌")


class SettingsUnreadableError(PlatformError):
    """A file of the platform is not what it should be, or belongs to somebody else."""

    code = "settings-unreadable"
    exit_code = 20
    title = Words(en="A settings file cannot be read", zh="无法读取设置文件")


class ClusterNotUsableError(PlatformError):
    """There is no cluster for the labs, it does not answer, or it does not let us do what labs need."""

    code = "cluster-not-usable"
    exit_code = 21
    title = Words(en="The cluster cannot be used", zh="无法使用集群")


class SignInRefusedError(PlatformError):
    """Somebody proved who they are, and may not come in."""

    code = "sign-in-refused"
    status = 403
    title = Words(en="You cannot sign in", zh="您无法登录")


class SignInUnavailableError(PlatformError):
    """Nobody can be recognised at the moment."""

    code = "sign-in-unavailable"
    title = Words(en="Nobody can sign in now", zh="暂时无法登录")
