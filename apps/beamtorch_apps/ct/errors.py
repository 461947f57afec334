"""What can be expected to go wrong with a CT scan, from opening it to writing its volume."""

from beamtorch_apps.errors import AppError
from beamtorch_facility.words import Words


class CtError(AppError):
    """The base of every expected failure of CT."""

    code = "ct-error"
    title = Words(en="CT reconstruction could not go on", zh="CT 重建无法继续")


class ScanMissingError(CtError):
    """There is no such file, or this person may not read it."""

    code = "ct-scan-missing"
    status = 404
    title = Words(en="The scan cannot be opened", zh="无法打开扫描文件")


class NotAScanError(CtError):
    """The file is something else than a CT scan."""

    code = "ct-not-a-scan"
    status = 422
    title = Words(en="This is not a CT scan", zh="这不是 CT 扫描文件")


class TruncatedError(CtError):
    """The file ends before its content does."""

    code = "ct-truncated"
    status = 422
    title = Words(en="The file is incomplete", zh="文件不完整")


class LinkedFileMissingError(CtError):
    """The scan points to files that are not there."""

    code = "ct-linked-file-missing"
    status = 422
    title = Words(en="A linked file is missing", zh="缺少链接的文件")


class FlatFieldError(CtError):
    """There are no flats, or they cannot be used."""

    code = "ct-flat-field"
    status = 422
    title = Words(en="The flat fields cannot be used", zh="平场图像不可用")


class AnglesError(CtError):
    """The angles are missing or make no sense."""

    code = "ct-angles"
    status = 422
    title = Words(en="The angles cannot be used", zh="角度数据不可用")


class RowsError(CtError):
    """Rows were asked for that the scan does not have."""

    code = "ct-rows"
    status = 422
    exit_code = 2
    title = Words(en="The scan has no such rows", zh="扫描中没有这些行")


class AxisError(CtError):
    """The axis of rotation cannot be found, or was put off the detector."""

    code = "ct-axis"
    status = 422
    title = Words(en="The axis of rotation is not known", zh="未能确定旋转轴")


class ResultExistsError(CtError):
    """Something is already where the result should go."""

    code = "ct-result-exists"
    status = 409
    title = Words(en="The result exists already", zh="结果已存在")


class NoRoomError(CtError):
    """The disk is full, or the result would fill it."""

    code = "ct-no-room"
    status = 507
    title = Words(en="There is no room for the result", zh="没有足够的空间存放结果")


class ResultUnwritableError(CtError):
    """The place for the result cannot be written to."""

    code = "ct-result-unwritable"
    status = 403
    title = Words(en="The result cannot be written there", zh="结果无法写入该位置")


class CancelledError(CtError):
    """A person stopped the job."""

    code = "ct-cancelled"
    status = 409
    exit_code = 130
    title = Words(en="Cancelled", zh="已取消")
