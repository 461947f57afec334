"""What can be wrong with the folder of a beamtime."""

from pathlib import Path

from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.proposal import ProposalId
from beamtorch_facility.words import Words


class BeamtimeError(BeamtorchError):
    """The base of what goes wrong with folders of beamtimes."""

    code = "beamtime-failed"
    status = 409
    title = Words(en="The beamtime's folder cannot be used", zh="机时目录不可用")


class RecordUnreadableError(BeamtimeError):
    """The record of a beamtime is not what it should be."""

    code = "beamtime-record"

    def __init__(self, path: Path, why: object) -> None:
        super().__init__(
            Words(
                en=f"{path} cannot be read as the record of a beamtime: {why}. Mend the file and try again.",
                zh=f"无法将 {path} 读作机时记录：{why}。请修正文件后重试。",
            )
        )


class BeamtimeExistsError(BeamtimeError):
    """There is such a beamtime, and it is another one."""

    code = "beamtime-exists"

    def __init__(self, path: Path, differing: list[str]) -> None:
        names = ", ".join(differing)
        super().__init__(
            Words(
                en=f"The beamtime is there already, with another {names}; its record is {path}. "
                "Change what has to change there, then run “beamtorch beamtime sync-access”.",
                zh=f"该机时已存在，但以下内容不同：{names}；记录文件为 {path}。请在其中修改，"
                "然后运行“beamtorch beamtime sync-access”。",
            )
        )


class NoSuchBeamtimeError(BeamtimeError):
    """No folder of a beamtime of that name, or several."""

    code = "no-such-beamtime"
    status = 404

    @classmethod
    def of(cls, name: str, root: Path, found: int) -> "NoSuchBeamtimeError":
        """Return the error for a name that fits none or several."""
        if found:
            return cls(
                Words(
                    en=f"{found} beamlines have a beamtime {name} below {root}. Say which: BEAMLINE/{name}.",
                    zh=f"{root} 下有 {found} 个线站存在机时 {name}。请注明：线站/{name}。",
                )
            )
        return cls(
            Words(
                en=f"No beamtime {name} has a record below {root}. “beamtorch beamtime create” makes one.",
                zh=f"{root} 下没有机时 {name} 的记录。可用“beamtorch beamtime create”创建。",
            )
        )


class NobodyError(BeamtimeError):
    """A directory whose answer would take the rights from everybody."""

    code = "directory-empty"
    status = 503

    @classmethod
    def at_all(cls) -> "NobodyError":
        """Return the error for a directory without people."""
        return cls(
            Words(
                en="The directory has no people at all, so nothing was changed: everybody would lose their rights. "
                "Look whether it is complete.",
                zh="人员目录中没有任何人，因此未作更改：否则所有人都会失去权限。请检查目录是否完整。",
            )
        )

    @classmethod
    def of_team(cls, proposal: ProposalId) -> "NobodyError":
        """Return the error for a team of nobody whose rights are there."""
        return cls(
            Words(
                en=f"The directory has nobody in the team of proposal {proposal}, while people have rights now, so "
                "nothing was changed. Look whether it is complete; if nobody is right, say --empty-team.",
                zh=f"目录中课题 {proposal} 的团队没有任何人，而目前有人拥有权限，因此未作更改。"
                "请检查目录是否完整；若确实无人，请加 --empty-team。",
            )
        )


class GroupUnnumberedError(BeamtimeError):
    """A group without a number, or with several."""

    code = "group-unnumbered"

    def __init__(self, group: str) -> None:
        super().__init__(
            Words(
                en=f"The directory has no single number for the group {group}, so it can have no entry. Give the group "
                "one, or give the rights to users (entries: users).",
                zh=f"目录中组 {group} 没有唯一的编号，无法设置条目。请为其编号，或改为授权给用户（entries: users）。",
            )
        )


class NotRootError(BeamtimeError):
    """Somebody else than root."""

    code = "not-root"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            Words(
                en="Only root can set rights of files that belong to others. Run the command as root.",
                zh="只有 root 可以设置他人文件的权限。请以 root 运行。",
            )
        )


class BusyError(BeamtimeError):
    """Somebody else is at it."""

    code = "beamtime-busy"

    def __init__(self, path: Path) -> None:
        super().__init__(
            Words(
                en=f"Another process is just setting the rights of {path}. Wait until it is done.",
                zh=f"另一进程正在设置 {path} 的权限。请等待其完成。",
            )
        )
