"""Two who change one dataset at once: the second learns what the first has left, instead of writing over it.

ETag and If-Match of RFC 9110; the tag is `DatasetRow.version`.
"""

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_facility.words import Words


class StaleVersionError(CatalogueError):
    """A change that was made of an older version than the present one."""

    code = "stale-version"
    status = 409
    exit_code = 4
    title = Words(en="Somebody was faster", zh="他人已先修改")

    def __init__(self, version: int) -> None:
        super().__init__(
            Words(
                en=f"The dataset has changed since you read it; it is at version {version} now. Nothing was changed. "
                "Read it again, then repeat your change.",
                zh=f"您读取后数据集已被修改，当前版本为 {version}，未做任何更改。请重新读取后再修改。",
            ),
            version=version,
        )


def etag(version: int) -> str:
    """Return the tag of a version."""
    return f'"{version}"'


def demand_version(version: int, if_match: str | None) -> None:
    """Refuse a change that was made of another version; None or ``*`` means “whatever it is”.

    Raises
    ------
    StaleVersionError
        With the present version.
    """
    if if_match is None:
        return
    tags = {tag.strip() for tag in if_match.split(",")}
    if not tags & {"*", etag(version), f"W/{etag(version)}"}:
        raise StaleVersionError(version)
