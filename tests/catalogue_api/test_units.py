"""Units as files write them: the traps, each by its name. An unknown one keeps its text and rejects nothing."""

import pytest

from beamtorch_catalogue.testing.world import World
from beamtorch_catalogue.units import unit, unit_of_parameter
from beamtorch_facility import Quantity

HOUR = 3600.0


def test_photons_per_second_are_no_picohours():
    found = unit("ph/s")
    assert found is not None
    assert (found.dimension, found.to_si(5e12)) == ("[time]^-1", 5e12)
    assert unit("pH/s") != found


def test_au_is_arbitrary_and_not_the_distance_to_the_sun():
    for name in ("au", "a.u.", "AU", "arb. units", "arb.units", "arb. unit", "arbitrary"):
        found = unit(name)
        assert found is not None, name
        assert (found.dimension, found.factor) == ("~arbitrary", 1.0), name


def test_reciprocal_lattice_units_are_compared_with_themselves_alone():
    found, other = unit("r.l.u."), unit("au")
    assert found is not None
    assert found == unit("rlu")
    assert other is not None
    assert found.dimension != other.dimension


def test_degrees_celsius_have_an_offset_and_no_mere_factor():
    found = unit("degC")
    assert found is not None
    assert (found.dimension, found.to_si(20.0)) == ("[temperature]", pytest.approx(293.15))
    assert unit_of_parameter("temperature", "C") == found


def test_a_category_of_nexus_is_no_unit():
    for name in ("NX_LENGTH", "NX_ANY", "NX_WAVELENGTH", "NX_UNITLESS"):
        assert unit(name) is None, name


def test_an_a_is_an_angstrom_in_a_wavelength_and_an_ampere_elsewhere():
    wavelength, current = unit_of_parameter("wavelength", "A"), unit_of_parameter("ring_current", "A")
    assert wavelength is not None
    assert current is not None
    assert (wavelength.dimension, wavelength.to_si(1.0)) == ("[length]", pytest.approx(1e-10))
    assert current.dimension == "[current]"


@pytest.mark.parametrize("name", ["dB", "??", "degrees Celsius of the oven", "m^99999999", "__import__('os')", "\x00"])
def test_what_nobody_understands_is_none_and_no_error(name: str):
    assert unit(name) is None


@pytest.mark.parametrize(
    "name", ["ph/s", "au", "degC", "r.l.u.", "arb. units", "NX_LENGTH", "furlongs/fortnight²", "dB"]
)
def test_every_unit_keeps_its_text_through_the_catalogue(world: World, name: str):
    given = Quantity(value=7.5, unit=name)
    (result,) = world.client("ingest").ingest([world.record("odd", parameters={"flux": given})])
    assert result.outcome == "created"
    assert result.dataset is not None
    assert world.client("team").dataset(result.dataset).parameters["flux"] == given
