"""TIFF images, single or as a series."""

from pathlib import Path

import numpy as np
import tifffile

from beamtorch_catalogue.extract.cbf import header_moment, header_parameters
from beamtorch_catalogue.extract.found import Found, Permitted, Picture, truncated, unreadable, with_energy
from beamtorch_facility.quantity import Quantity

_MOST_BYTES = 256 * 1024**2
_COLOUR = 3


class Tiff:
    """A series of TIFF images, or one."""

    suffixes = frozenset({".tif", ".tiff"})
    is_series = True

    def read(self, files: list[Path], permitted: Permitted) -> Found:  # noqa: ARG002 - these files link to nothing
        """Read the first image's header, and check that it does not end early."""
        path = files[0]
        try:
            with tifffile.TiffFile(path) as tiff:
                page = tiff.pages[0]
                description = str(getattr(page, "description", ""))
                pages = len(tiff.pages)
                ends = [o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=False)]
        except (OSError, ValueError, TypeError, IndexError, tifffile.TiffFileError) as error:
            return Found(format="TIFF", problem=unreadable(path, str(error), "TIFF"))
        parameters = header_parameters(description)
        parameters["images"] = Quantity(value=len(files) if len(files) > 1 else pages)
        have, need = path.stat().st_size, max(ends, default=0)
        return Found(
            format="TIFF",
            measured_at=header_moment(description),
            parameters=with_energy(parameters),
            problem=truncated(path, have, need) if have < need else None,
        )

    def picture(self, path: Path, permitted: Permitted) -> Picture | None:  # noqa: ARG002
        """Return the middle page."""
        with tifffile.TiffFile(path) as tiff:
            page = tiff.pages[len(tiff.pages) // 2]
            if page.nbytes > _MOST_BYTES:
                return None
            values = np.asarray(page.asarray(), dtype=np.float64)
        return Picture(values=values.mean(axis=-1) if values.ndim == _COLOUR else values)
