"""CT: from a scan to a volume, in a notebook, an app and at the command line.

>>> from beamtorch_apps.ct import find_axis, open_scan, reconstruct, show      # doctest: +SKIP
>>> with open_scan("~/datasets/tooth/tooth.h5") as scan:                       # doctest: +SKIP
...     sinogram = scan.sinogram(0)
...     axis = find_axis(sinogram, scan.angles)
...     show(reconstruct(sinogram, scan.angles, axis.column))
"""

from beamtorch_apps.ct.analysis import Axis, find_axis, preview, reconstruct
from beamtorch_apps.ct.data import Scan, open_scan
from beamtorch_apps.ct.show import show

__all__ = ["Axis", "Scan", "find_axis", "open_scan", "preview", "reconstruct", "show"]
