import pytest

from beamtorch_facility.look import written
from beamtorch_facility.look.reading import Page
from beamtorch_facility.quantity import Quantity


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (48_000, "48 kB"), (1_900_000, "1.9 MB"), (15_100_000_000, "15.1 GB")],
)
def test_disk_is_counted_in_thousands(size: int, text: str):
    assert written.file_size(size) == text


def test_memory_is_counted_in_powers_of_two():
    assert written.memory(64 * 1024**3) == "64 GiB"
    assert written.memory(1536 * 1024**2) == "1.5 GiB"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (12.4, "keV", "12.4 keV"),
        (1800, "", "1,800"),
        (-0.5, "mm", "−0.5 mm"),
        (179.0055, "deg", "179.006°"),
        (0.65, "um", "0.65 µm"),
    ],
)
def test_quantities_are_written_as_the_look_asks(value: float, unit: str, text: str):
    assert written.quantity(Quantity(value=value, unit=unit)) == text


def test_initials_are_at_most_two_letters():
    assert [written.initials(name) for name in ("Lin Qiao", "lin.qiao", "Ada", "Anna Maria van Dyck")] == [
        "LQ",
        "LQ",
        "A",
        "AD",
    ]


def test_a_text_in_one_language_is_noticed_and_data_is_left_alone():
    page = Page(
        '<p>lost</p><p><span data-zh="好">good</span> <b translate="no">tooth_0047</b> 12</p>'
        '<input placeholder="lost too"><button data-zh-title="是" title="yes"></button><a href="//elsewhere/x"></a>'
    )
    assert page.without_twin == ["p: lost", "input[placeholder]: lost too"]
    assert page.addresses == ["//elsewhere/x"]
