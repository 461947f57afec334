"""What can be wrong with access control lists and the places that should hold them."""

from pathlib import Path
from typing import ClassVar, Self

from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words


class AccessError(BeamtorchError):
    """The base of what goes wrong with rights of files and folders."""

    code = "access-failed"
    status = 409
    title = Words(en="The rights cannot be read or set", zh="无法读取或设置权限")
    sentence: ClassVar[Words] = Words(
        en="The rights of {place} cannot be read or set: {why}. Look at the place and try again.",
        zh="无法读取或设置 {place} 的权限：{why}。请检查后重试。",
    )

    @classmethod
    def of(cls, place: Path | str, why: Exception | None = None) -> Self:
        """Return the error for a place."""
        told = {"place": place, "why": why}
        return cls(Words(en=cls.sentence.en.format(**told), zh=cls.sentence.zh.format(**told)))


class AclUnsupportedError(AccessError):
    """A file system that keeps no POSIX ACLs."""

    code = "acl-unsupported"
    sentence = Words(
        en="The file system of {place} keeps no POSIX access control lists. Mount it with the option “acl”, "
        "or choose another file system.",
        zh="{place} 所在的文件系统不支持 POSIX ACL。请用“acl”选项挂载，或改用其他文件系统。",
    )


class AclReadOnlyError(AccessError):
    """A file system that nothing can be written to."""

    code = "acl-read-only"
    sentence = Words(
        en="The file system of {place} is read-only. Mount it for writing and try again.",
        zh="{place} 所在的文件系统为只读。请以可写方式挂载后重试。",
    )


class AclTooLongError(AccessError):
    """More entries than the file system can hold in one list, or no space left for one."""

    code = "acl-too-long"
    sentence = Words(
        en="The file system of {place} has no room for an access control list of that many entries. Make space, or "
        "give the rights to groups instead of users (entries: groups).",
        zh="{place} 所在的文件系统无法容纳如此多条目的 ACL。请腾出空间，或改为授权给组（entries: groups）。",
    )


class VanishedError(AccessError):
    """What was there a moment ago is gone or something else."""

    code = "vanished"
    status = 404
    sentence = Words(
        en="{place} is not there, or became something else just now. Look again.",
        zh="{place} 不存在，或刚刚被替换。请再次查看。",
    )


class NotPermittedError(AccessError):
    """The kernel does not let this process do it."""

    code = "access-not-permitted"
    status = 403
    sentence = Words(
        en="The kernel does not let this process read or set the rights of {place}. "
        "Run the command as root; a file that is immutable (lsattr) has to be made mutable first.",
        zh="内核不允许此进程读取或设置 {place} 的权限。请以 root 运行；若文件不可变（lsattr），请先解除。",
    )


class DamagedAclError(AccessError):
    """An extended attribute that holds no access control list."""

    code = "acl-damaged"
    sentence = Words(
        en="The access control list of {place} cannot be understood: {why}. Set it anew with setfacl.",
        zh="无法解析 {place} 的 ACL：{why}。请用 setfacl 重新设置。",
    )
