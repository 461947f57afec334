"""What can go wrong while the demo facility is made, each with what to do next."""

from pathlib import Path

from beamtorch_facility.words import Words
from beamtorch_hub.errors import FirstStartError


class DemoError(FirstStartError):
    """The demo facility cannot be made."""

    code = "demo-error"
    title = Words(en="The demo facility cannot be made", zh="无法生成演示设施")


class SpecUnreadableError(DemoError):
    """The description of a facility is not what it should be."""

    code = "demo-spec-unreadable"

    @classmethod
    def of(cls, path: Path, reason: str) -> "SpecUnreadableError":
        """Say which file, and what is wrong in it."""
        return cls(
            Words(
                en=f"{path} cannot be read as a demo facility: {reason}. Mend the file and start again.",
                zh=f"无法将 {path} 读作演示设施：{reason}。请修正文件后重新启动。",
            )
        )


class OtherDemoError(DemoError):
    """The home already holds another facility."""

    code = "demo-is-another"

    @classmethod
    def of(cls, root: Path, held: str) -> "OtherDemoError":
        """Say what the home holds."""
        return cls(
            Words(
                en=f"{root} already holds the demo facility “{held}”, made from another description. "
                "Choose an empty folder with --home, or start without --demo.",
                zh=f"{root} 中已有用另一份描述生成的演示设施“{held}”。请用 --home 选择空文件夹，或不带 --demo 启动。",
            )
        )


class SimulationError(DemoError):
    """A simulated scan could not be made."""

    code = "demo-simulation-failed"

    @classmethod
    def of(cls, dataset: str, reason: str) -> "SimulationError":
        """Say which scan, and what the simulation said."""
        return cls(
            Words(
                en=f"The simulated scan {dataset} could not be made: {reason} "
                "If CT is not installed, “pip install 'beamtorch[ct]'” brings it; then start again.",
                zh=f"无法生成模拟扫描 {dataset}：{reason} "
                "如未安装 CT，请运行“pip install 'beamtorch[ct]'”，然后重新启动。",
            )
        )


class SourceMissingError(DemoError):
    """A file that a recipe names is not there, or is not what the recipe takes it for."""

    code = "demo-source-missing"

    @classmethod
    def of(cls, source: Path, dataset: str, reason: str) -> "SourceMissingError":
        """Say which file, for what, and why not."""
        return cls(
            Words(
                en=f"{source} cannot be used for the demo dataset {dataset}: {reason}. "
                "Mend the path in the description, or install Beamtorch again.",
                zh=f"{source} 无法用于演示数据集 {dataset}：{reason}。请修正描述文件中的路径，或重新安装 Beamtorch。",
            )
        )


class NobodyForThePartError(DemoError):
    """The facility lacks somebody or something that a story needs."""

    code = "demo-part-missing"

    @classmethod
    def of(cls, part: str) -> "NobodyForThePartError":
        """Say which part."""
        return cls(
            Words(
                en=f"This facility has nobody and nothing for the part of {part}. Add it to the description.",
                zh=f"该设施缺少此角色：{part}。请在描述文件中补充。",
            )
        )
