"""What may come instead of a file; each tells the person what to do next."""

from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words


class ReaderError(BeamtorchError):
    """The base of everything that the reader may answer beside a file."""

    code = "reader"
    status = 503
    title = Words(en="The file cannot be read now", zh="文件暂时无法读取")
    says = Words(
        en="The reader of files could not do this. Try again; if it stays, tell the facility.",
        zh="文件读取服务未能完成此操作。请重试；若仍出现，请告知设施人员。",
    )

    def __init__(self, detail: Words | None = None) -> None:
        super().__init__(detail or self.says)


class FileGoneError(ReaderError):
    """There is no such file."""

    code = "file-not-there"
    status = 404
    title = Words(en="The file is not there", zh="文件不存在")
    says = Words(
        en="The file is not where the catalogue says. Ask the beamline staff whether it was moved or archived.",
        zh="文件不在目录记载的位置。请询问线站人员是否已移动或归档。",
    )


class FileRefusedError(ReaderError):
    """The kernel says no."""

    code = "file-not-readable"
    status = 403
    title = Words(en="The file system does not let you read this", zh="文件系统不允许您读取")
    says = Words(
        en="The file system does not let you read this file: the catalogue lists it, but the rights on the disk "
        "decide. Ask the principal investigator or the beamline staff for read access.",
        zh="文件系统不允许您读取此文件：目录虽列出它，但以磁盘上的权限为准。请向课题负责人或线站人员申请读取权限。",
    )


class NotAFileError(ReaderError):
    """There is something, but not a plain file."""

    code = "not-a-file"
    status = 409
    title = Words(en="This is not a plain file", zh="这不是普通文件")
    says = Words(
        en="There is a folder, a pipe or a device in the place of the file. Ask the beamline staff to put it right.",
        zh="该位置是文件夹、管道或设备，而非普通文件。请联系线站人员更正。",
    )


class PathRefusedError(ReaderError):
    """A path that leads elsewhere, or may lead elsewhere."""

    code = "path-not-allowed"
    status = 403
    title = Words(en="The way to the file is not allowed", zh="文件路径不被允许")
    says = Words(
        en="The way to the file has a link in it, or leads out of the data. Ask the beamline staff for the real file.",
        zh="文件路径中含有链接，或指向数据目录之外。请向线站人员索取真实文件。",
    )


class NobodyToReadError(ReaderError):
    """The directory has nobody of that name, or nobody who may become somebody to the kernel."""

    code = "reader-knows-nobody"
    status = 403
    title = Words(en="The directory does not know you", zh="人员目录中没有您")
    says = Words(
        en="The directory has no usable entry of you, so that nothing can be read in your name. Ask the user office.",
        zh="人员目录中没有您的有效条目，无法以您的名义读取文件。请联系用户办公室。",
    )


class DirectoryAwayError(ReaderError):
    """The directory does not answer the reader."""

    code = "reader-without-directory"
    title = Words(en="The directory of people does not answer", zh="人员目录无响应")
    says = Words(
        en="The directory of people does not answer, so that nobody's rights are known. Try again in a minute.",
        zh="人员目录无响应，无法确定读取权限。请一分钟后重试。",
    )


class FileSystemError(ReaderError):
    """The file system fails, or takes too long."""

    code = "file-system-away"
    title = Words(en="The file system does not answer", zh="文件系统无响应")
    says = Words(
        en="The file system with the data does not answer in time. Try again in a minute; if it stays, tell the "
        "facility.",
        zh="数据所在的文件系统未及时响应。请一分钟后重试；若仍出现，请告知设施人员。",
    )


class ReaderBusyError(ReaderError):
    """Too much is being read at once."""

    code = "reader-busy"
    title = Words(en="Too many files are being opened", zh="同时打开的文件过多")
    says = Words(
        en="Too many files are being opened at once. Try again in a minute.", zh="同时打开的文件过多，请一分钟后重试。"
    )


class ReaderAwayError(ReaderError):
    """The reader does not run, or went away in the middle."""

    code = "reader-away"
    says = Words(
        en="The part of the platform that opens files does not answer. It is usually back within a minute; try again.",
        zh="平台中负责打开文件的服务无响应，通常一分钟内恢复，请稍后重试。",
    )


class TaskFailedError(ReaderError):
    """A task ended without a result: an error in it, or one of its limits."""

    code = "task-failed"
    status = 422
    title = Words(en="This could not be made of the file", zh="无法由该文件生成")
    says = Words(
        en="This could not be made of the file: it is damaged, or too large. Open it in a lab to look at it.",
        zh="无法由该文件生成：文件损坏或过大。请在实验环境中打开查看。",
    )


_KINDS: tuple[type[ReaderError], ...] = (
    *(FileGoneError, FileRefusedError, NotAFileError, PathRefusedError, NobodyToReadError),
    *(DirectoryAwayError, FileSystemError, ReaderBusyError, ReaderAwayError, TaskFailedError),
)
BY_CODE = {kind.code: kind for kind in _KINDS}
