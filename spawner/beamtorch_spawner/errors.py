"""What can go wrong between a click on a card and a running lab, each in a sentence for the person who clicked."""

from typing import Any

from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words


class SpawnerError(BeamtorchError):
    """The base of everything that this package expects to go wrong."""

    code = "spawner-error"
    title = Words(en="The server was not started", zh="服务器未启动")


class UnknownEnvironmentError(SpawnerError):
    """An environment that is not on offer."""

    code = "unknown-environment"
    status = 422
    title = Words(en="There is no such environment", zh="没有此环境")


class UnknownOptionError(SpawnerError):
    """A user option that nobody offered, or one with a value of the wrong shape."""

    code = "unknown-option"
    status = 422
    title = Words(en="This option is not on offer", zh="没有此选项")


class NotOfferedError(SpawnerError):
    """An image, or more of a resource, than the environment gives."""

    code = "not-offered"
    status = 422
    title = Words(en="This is not on offer", zh="不提供此选项")


class ServerInUseError(SpawnerError):
    """The server already runs."""

    code = "server-in-use"
    status = 409
    title = Words(en="This server already runs", zh="该服务器已在运行")


class StartUnderWayError(SpawnerError):
    """The server is being started by another request."""

    code = "start-under-way"
    status = 409
    title = Words(en="This server is being started already", zh="该服务器正在启动")


class UnknownLeaseError(SpawnerError):
    """A lease that was never given."""

    code = "unknown-lease"
    status = 404
    title = Words(en="There is no such lease", zh="没有此租约")


class LeaseOverError(SpawnerError):
    """A lease that cannot go to the state that was reported."""

    code = "lease-over"
    status = 409
    title = Words(en="The lease cannot change like that", zh="租约状态无法如此变更")


class LabHomeError(SpawnerError):
    """The home folder cannot be made or entered."""

    code = "home-unusable"
    status = 507
    title = Words(en="The home folder cannot be used", zh="无法使用家目录")


class LabDiedError(SpawnerError):
    """The process of a lab ended before it could be opened."""

    code = "lab-died"
    status = 500
    title = Words(en="The server ended while it started", zh="服务器在启动过程中退出")


class SpawnerUnreachableError(SpawnerError):
    """The spawner service does not answer."""

    code = "spawner-unreachable"
    status = 503
    title = Words(en="The spawner service does not answer", zh="启动服务无响应")


class ReleaseTooSlowError(SpawnerError):
    """What ran at a terminal before does not end."""

    code = "release-too-slow"
    status = 503
    title = Words(en="The terminal was not free in time", zh="终端未能及时释放")


class SpawnerRefusedError(SpawnerError):
    """A refusal of the spawner service, as the caller of its REST API sees it: with the service's code and words."""

    def __init__(self, detail: Words, *, title: Words, code: str, status: int, **facts: Any) -> None:
        super().__init__(detail, **facts)
        # Other errors have these per class; this one is whatever the service said.
        vars(self).update(title=title, code=code, status=status)


class NobodyToBeError(SpawnerError):
    """A server whose person has no numbers."""

    code = "nobody-to-be"
    status = 503
    title = Words(en="It is not known who this server would be", zh="无法确定服务器的用户身份")
