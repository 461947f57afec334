"""Attaching: a catalogued dataset appears below ``~/datasets``, under the rights of the person who asks.

This runs in the person's own process (lab, app or terminal), so the kernel decides whether each file may be read.
The catalogue only remembers what was linked where.
"""

import os
import re
import stat
from pathlib import Path

from beamtorch_catalogue.client import CatalogueClient
from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.wire import Attachment, Dataset
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.words import Words

FOLDER = "datasets"
"""The folder in a home that holds the links."""
_LONGEST_NAME = 60
_MOST_OF_ONE_NAME = 1000
_UNSAFE = re.compile(r"[\x00-\x1f/\\]+")


class FileGoneError(CatalogueError):
    """A file of the dataset is not where the catalogue says."""

    code = "file-gone"
    status = 409
    title = Words(en="A file of this dataset is gone", zh="数据集的文件已不存在")


class FileUnreadableError(CatalogueError):
    """A file of the dataset may not be read by this person."""

    code = "file-unreadable"
    status = 403
    title = Words(en="A file of this dataset may not be read", zh="无权读取数据集的文件")


class LinkFailedError(CatalogueError):
    """The link cannot be made or removed."""

    code = "link-failed"
    status = 409
    title = Words(en="The link cannot be changed", zh="无法更改链接")


def attach(
    client: CatalogueClient, dataset_id: DatasetId | str, home: Path, *, even_if_incomplete: bool = False
) -> Attachment:
    """Link a dataset's folder as ``home/datasets/<name>`` and record it; the same again changes nothing.

    Parameters
    ----------
    client
        The catalogue, in the name of the person whose home it is.
    dataset_id
        The dataset.
    home
        The person's home folder.
    even_if_incomplete
        Also link a dataset of which files are missing; what is there can then be used.

    Raises
    ------
    FileGoneError, FileUnreadableError
        If a file cannot be read by this process; the error names the file.
    LinkFailedError
        If the link cannot be made.
    CatalogueRefusedError, CatalogueUnreachableError
        If the catalogue says no, or nothing.
    """
    dataset = client.dataset(dataset_id)
    if not even_if_incomplete:
        check_readable(dataset)
    for known in client.attachments():
        if known.dataset == dataset.id and _leads_to(_link(home, known.path), dataset.folder):
            return known
    link, is_new = _make_link(home / FOLDER, dataset)
    try:
        return client.record_attachment(dataset.id, f"~/{FOLDER}/{link.name}")
    except CatalogueError:
        if is_new:
            link.unlink(missing_ok=True)
        raise


def detach(client: CatalogueClient, dataset_id: DatasetId | str, home: Path) -> None:
    """Remove the link of a dataset, never the data, and forget it; a dataset that is not attached is fine."""
    attachments = client.attachments()
    mine = next((a for a in attachments if a.dataset == dataset_id), None)
    if mine is not None:
        link = _link(home, mine.path)
        shared = any(a.path == mine.path and a.dataset != mine.dataset for a in attachments)
        if link is not None and link.is_symlink() and not shared:
            try:
                link.unlink(missing_ok=True)
            except OSError as error:
                raise _link_failed(link, error) from error
    client.forget_attachment(dataset_id)


def check_readable(dataset: Dataset) -> None:
    """Open every file of a dataset as this process; raise `FileGoneError` or `FileUnreadableError` for the first."""
    for file in dataset.files:
        try:
            # Without O_NONBLOCK a pipe that lies among the files would make us wait for its writer.
            descriptor = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise _gone(dataset, file.path) from error
        except OSError as error:
            raise _unreadable(dataset, file.path, error.strerror or "?") from error
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _unreadable(dataset, file.path, "not a regular file")
        finally:
            os.close(descriptor)


def _make_link(folder: Path, dataset: Dataset) -> tuple[Path, bool]:
    """Return the link to the dataset and whether it had to be made; nothing that exists is ever replaced."""
    wanted = link_name(dataset.name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, _MOST_OF_ONE_NAME):
            link = folder / (wanted if number == 1 else f"{wanted}-{number}")
            if _leads_to(link, dataset.folder):
                return link, False
            try:
                # The kernel makes a link whole or not at all, and refuses if the name is taken.
                link.symlink_to(dataset.folder)
            except FileExistsError:
                continue
            return link, True
    except OSError as error:
        raise _link_failed(folder, error) from error
    raise _link_failed(folder / wanted, OSError(0, "too many links of this name"))


def link_name(name: str) -> str:
    """Return a dataset's name as one safe part of a path."""
    return _UNSAFE.sub("_", name).strip().lstrip(".")[:_LONGEST_NAME].rstrip() or "dataset"


def _link(home: Path, recorded: str) -> Path | None:
    """Return the link that was recorded as ``~/datasets/<name>``; None for anything else."""
    top, _, name = recorded.removeprefix("~/").partition("/")
    return home / FOLDER / name if top == FOLDER and name and "/" not in name and name not in {".", ".."} else None


def _leads_to(link: Path | None, folder: str) -> bool:
    return link is not None and link.is_symlink() and str(link.readlink()) == folder


def _gone(dataset: Dataset, path: str) -> FileGoneError:
    return FileGoneError(
        Words(
            en=f"{path} is gone, so “{dataset.name}” was not attached. Ask the staff of {dataset.beamline} whether "
            "it was moved or archived.",
            zh=f"文件 {path} 已不存在，因此未挂接“{dataset.name}”。请询问 {dataset.beamline} 线站人员。",
        ),
        path=path,
    )


def _unreadable(dataset: Dataset, path: str, reason: str) -> FileUnreadableError:
    return FileUnreadableError(
        Words(
            en=f"{path} may not be read by you ({reason}), so “{dataset.name}” was not attached. Ask the staff of "
            f"{dataset.beamline} to check its permissions.",
            zh=f"您无权读取 {path}（{reason}），因此未挂接“{dataset.name}”。请联系 {dataset.beamline} 线站人员。",
        ),
        path=path,
    )


def _link_failed(path: Path, error: OSError) -> LinkFailedError:
    reason = error.strerror or str(error)
    return LinkFailedError(
        Words(
            en=f"The link at {path} could not be changed: {reason}. Make room or mend the folder, then try again.",
            zh=f"无法更改链接 {path}：{reason}。请腾出空间或修复该文件夹后重试。",
        ),
        path=str(path),
    )
