"""The demo facility: people, beamtimes and small real data, so that a fresh platform has something to show."""

from beamtorch_hub.demo.cast import DemoCast, cast
from beamtorch_hub.demo.founding import dataset_folder, make, read_spec
from beamtorch_hub.demo.spec import DemoSpec, load_spec

__all__ = ["DemoCast", "DemoSpec", "cast", "dataset_folder", "load_spec", "make", "read_spec"]
