"""What is said about the life of a lab's process: steps on the page that waits, reasons, and errors."""

from pathlib import Path

from beamtorch_facility.words import Words
from beamtorch_spawner.errors import LabDiedError, LabHomeError

ASKING = Words(en="Asking for admission", zh="正在申请")
STARTING = Words(en="Starting the server", zh="正在启动服务器")
STRAY = Words(
    en="The hub no longer knew this server when it was started again.", zh="重新启动时，Hub 已不再记录此服务器。"
)


def home_unusable(folder: Path, error: OSError) -> LabHomeError:
    """Return the error for a home folder or a log that cannot be written."""
    why = error.strerror or str(error)
    return LabHomeError(
        Words(
            en=f"The home folder {folder} or the server's log cannot be used: {why}. Tell the facility.",
            zh=f"无法使用家目录 {folder} 或服务器日志：{why}。请告知设施人员。",
        )
    )


def did_not_start(name: Words, code: int | None, log: Path) -> LabDiedError:
    """Return the error for a server that ended, or did not answer (no exit code), while it started."""
    if code is None:
        return LabDiedError(
            Words(
                en=f"{name.en} did not answer in time and was ended. Start again; if it stays, tell the facility: "
                f"the log is {log}.",
                zh=f"{name.zh} 未能按时响应，已被停止。请重新启动；若仍如此，请告知设施人员，日志为 {log}。",
            )
        )
    return LabDiedError(
        Words(
            en=f"{name.en} ended while it started ({_exit_words(code).en}). Start again; if it stays, tell the "
            f"facility: the reason is in the log {log}.",
            zh=f"{name.zh} 在启动过程中退出（{_exit_words(code).zh}）。请重新启动；若仍如此，请告知设施人员，"
            f"原因见日志 {log}。",
        )
    )


def _exit_words(code: int) -> Words:
    if code < 0:
        return Words(en=f"signal {-code}", zh=f"信号 {-code}")
    return Words(en=f"exit code {code}", zh=f"退出码 {code}")


def ended_by_itself(code: int | None) -> Words:
    """Return why a lease is over that nobody ended; no exit code: nobody was there to see it."""
    if code is None:
        return Words(en="The server ended while the hub was away.", zh="服务器在 Hub 离线期间退出。")
    said = _exit_words(code)
    return Words(
        en=f"The server ended without being stopped ({said.en}).", zh=f"服务器未经停止操作自行退出（{said.zh}）。"
    )
