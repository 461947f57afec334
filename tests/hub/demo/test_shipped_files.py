import hashlib
import re
import tarfile

import pytest

from beamtorch_hub.demo.making import SHIPPED
from beamtorch_hub.demo.recipe import Copied, Unpacked

ALLOWED = {"BSD-3-Clause", "Apache-2.0", "CC BY 4.0"}
MOST_BYTES = 6_000_000
ROW = re.compile(
    r"\| `(?P<file>[^`]+)` \| (?P<source>.+?) \| (?P<licence>[^(|]+) \(`(?P<text>[^`]+)`\) "
    r"\| (?P<by>.+?) \| `(?P<sha>\w{64})` \|"
)
KINDS = ("ct", "mx", "pdf")


def listed():
    return {row["file"]: row for row in ROW.finditer((SHIPPED / "SOURCES.md").read_text(encoding="utf-8"))}


def shipped():
    return sorted(str(path.relative_to(SHIPPED)) for kind in KINDS for path in (SHIPPED / kind).iterdir())


@pytest.mark.parametrize("name", shipped())
def test_each_file_has_a_source_a_licence_an_attribution_and_its_checksum(name):
    row = listed()[name]
    assert row["licence"] in ALLOWED
    assert (SHIPPED / row["text"]).stat().st_size > 1000
    assert row["by"].strip()
    assert hashlib.sha256((SHIPPED / name).read_bytes()).hexdigest() == row["sha"]


def test_nothing_is_listed_that_is_not_shipped():
    assert sorted(listed()) == shipped()
    others = {path.name for path in SHIPPED.iterdir()} - set(KINDS)
    assert others == {"SOURCES.md", "LICENSES"}


def test_the_recipes_use_what_is_shipped_and_nothing_is_shipped_in_vain(spec):
    used = {file.source for one in spec.datasets if isinstance(one.recipe, Copied) for file in one.recipe.files}
    used |= {one.recipe.archive for one in spec.datasets if isinstance(one.recipe, Unpacked)}
    assert sorted(used) == shipped()


def test_the_shipped_files_are_small():
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file()) < MOST_BYTES


def test_the_archive_holds_images_with_their_header():
    with tarfile.open(SHIPPED / "mx" / "l-cyst_01.tar.xz") as archive:
        names = archive.getnames()
        first = archive.extractfile(names[0])
        assert b"# Wavelength 0.68890 A" in first.read(2000)
    assert names == [f"l-cyst_01_{number:05d}.cbf" for number in range(1, 16)]
