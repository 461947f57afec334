"""The engine against a phantom whose truth and projections are computed without it."""

import finufft
import numpy as np
import pytest

from beamtorch_apps.ct import find_axis, preview, reconstruct
from beamtorch_apps.ct.errors import AnglesError, AxisError
from beamtorch_apps.ct.gridding import FourierSum
from beamtorch_apps.ct.phantom import Solid
from beamtorch_apps.ct.reconstruction import FILTERS, Geometry, Shape, angular_weights

GOLDEN = 111.24611797498108


def half_turn(count):
    return np.arange(count) * 180.0 / count


ORDERS = {
    "half turn": half_turn(400),
    "half turn with both ends": np.linspace(0, 180, 401),
    "backwards": -half_turn(400),
    "from 90 to 270": 90 + half_turn(400),
    "full turn": np.arange(800) * 0.45,
    "golden angle": np.arange(400) * GOLDEN,
}


def agreement(image, truth):
    middle = (len(truth) - 1) / 2
    y, x = np.mgrid[: len(truth), : len(truth)] - middle
    inside = np.hypot(x, y) < 0.97 * len(truth) / 2
    slope = np.polyfit(truth[inside], image[inside], 1)[0]
    return float(np.sqrt(np.mean((image - truth)[inside] ** 2))), float(slope)


@pytest.mark.parametrize("size", [256, 255])
@pytest.mark.parametrize("order", ORDERS)
def test_the_slice_has_the_right_values_whatever_the_order_of_angles(order, size):
    body, angles, axis = Solid(2).slice_at(0.1), ORDERS[order], 0.49 * size
    image = reconstruct(body.sinogram(size, angles, axis), angles, axis)
    assert image.shape == (size, size)
    assert image.dtype == np.float32
    rmse, slope = agreement(image, body.truth(size))
    assert rmse < 0.03
    assert slope == pytest.approx(1, abs=0.01)


def test_a_disc_has_its_own_value_and_nothing_is_around_it():
    size, angles, axis, value, radius = 301, half_turn(450), 141.3, 0.02, 60.0
    at = np.arange(size) - axis
    middle = 30 * np.cos(np.deg2rad(angles)) + 20 * np.sin(np.deg2rad(angles))
    chord = 2 * np.sqrt(np.maximum(radius**2 - (at - middle[:, None]) ** 2, 0))
    image = reconstruct((value * chord).astype(np.float32), angles, axis)
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    away = np.hypot(x - 30, y - 20)
    assert image[away < 50].mean() == pytest.approx(value, rel=1e-3)
    assert abs(image[(away > 70) & (np.hypot(x, y) < 130)].mean()) < 1e-3 * value


def test_the_preview_shows_the_same_values_in_fewer_pixels():
    body, angles = Solid(4).slice_at(0.0), half_turn(300)
    lines = body.sinogram(256, angles, 127.5)
    small = preview(lines, angles, 127.5, size=64)
    assert small.shape == (64, 64)
    rmse, slope = agreement(small, body.truth(64))
    assert rmse < 0.08
    assert slope == pytest.approx(1, abs=0.03)


def test_a_smoother_filter_takes_noise_away_and_keeps_the_mean():
    body, angles = Solid(5).slice_at(0.0), half_turn(300)
    lines = body.sinogram(128, angles, 63.5)
    noise = np.random.default_rng(1).normal(0, 1, lines.shape).astype(np.float32)
    left = {name: reconstruct(noise, angles, 63.5, filter_name=name).std() for name in FILTERS}
    assert left["hann"] < 0.6 * left["shepp-logan"] < 0.6 * left["ramp"]
    sharp, smooth = (reconstruct(lines, angles, 63.5, filter_name=name)[40:88, 40:88] for name in ("ramp", "hann"))
    assert smooth.mean() == pytest.approx(sharp.mean(), rel=0.01)


def with_generous_padding(lines, angles, axis, filter_name):
    """Reconstruct with air on both sides, so that nothing of the convolution can come round, and cut the field out."""
    width = lines.shape[1]
    air = 3 * width // 2
    image = reconstruct(np.pad(lines, ((0, 0), (air, air))), angles, axis + air, filter_name=filter_name)
    return image[air : air + width, air : air + width]


def level(image):
    """Means over squares of 16 pixels: what a person reads as a grey value."""
    return image.reshape(len(image) // 16, 16, len(image) // 16, 16).mean(axis=(1, 3))


@pytest.mark.parametrize(
    ("off_middle", "name", "angles"),
    [
        (0.0, "ramp", half_turn(500)),
        (0.003, "hann", half_turn(500)),
        (0.12, "ramp", half_turn(500)),
        (-0.12, "ramp", half_turn(500)),
        (-0.4, "ramp", 0.6 * np.arange(600.0)),
    ],
)
def test_padding_by_a_twentieth_gives_the_grey_values_of_generous_padding(off_middle, name, angles):
    size, (y, x) = 512, np.mgrid[:512, :512] - 255.5
    axis = 255.5 + off_middle * size
    lines = Solid(3).slice_at(0.1).sinogram(size, angles, axis)
    image, right = (engine(lines, angles, axis, filter_name=name) for engine in (reconstruct, with_generous_padding))
    field = np.hypot(x, y) < 0.95 * size / 2
    wrong = np.where(field, image - right, 0)
    extent = np.ptp(right[field])
    assert np.sqrt(np.mean(wrong[field] ** 2)) < 1e-3 * extent
    assert np.abs(level(wrong)).max() < 2e-3 * extent


@pytest.mark.parametrize("side", [-1, 1])
def test_what_one_end_of_the_detector_saw_leaves_no_ghost_at_the_other(side):
    size, angles = 320, half_turn(450)
    axis = 159.5 + side * 0.12 * size
    # A rod that keeps to the end of the detector farther from the axis: at 0° and 180° it leaves the near end.
    x, radius = -side * 0.56 * size, 10.0
    at = np.arange(size) - axis - x * np.cos(np.deg2rad(angles))[:, None]
    lines = (0.1 * 2 * np.sqrt(np.maximum(radius**2 - at**2, 0))).astype(np.float32)
    image = reconstruct(lines, angles, axis)
    right = with_generous_padding(lines, angles, axis, "ramp")
    row, column = np.mgrid[:size, :size] - 159.5
    field = np.hypot(row, column) < size / 2
    assert np.abs(level(np.where(field, image - right, 0))).max() < 1e-3 * 0.1


def test_an_axis_beyond_what_was_planned_is_refused():
    lines = np.zeros((90, 300), np.float32)
    shape = Shape(columns=300, size=300)
    geometry = Geometry(half_turn(90), shape)
    geometry.pair(lines, None, 149.5 + 0.22 * 300)
    with pytest.raises(ValueError, match=r"more than 67.5 px off the middle"):
        geometry.pair(lines, None, 149.5, 149.5 - 0.23 * 300)
    Geometry(half_turn(90), shape.about(10.0)).pair(lines, None, 10.0)


def test_what_lies_beyond_the_detector_is_empty():
    angles = half_turn(400)
    image = reconstruct(Solid(3).slice_at(0.1).sinogram(256, angles, 127.5), angles, 127.5)
    y, x = np.mgrid[:256, :256] - 127.5
    assert (image[np.hypot(x, y) > 129] == 0).all()
    assert (image[np.hypot(x, y) < 126] != 0).any()


@pytest.mark.parametrize("order", ORDERS)
def test_weights_share_the_half_turn(order):
    assert angular_weights(ORDERS[order]).sum() == pytest.approx(np.pi)


def test_what_was_not_measured_is_not_given_to_the_last_projection():
    weights = angular_weights(np.arange(0, 120.0))
    assert weights.max() < 1.01 * weights.min()


def test_angles_that_do_not_fit_are_a_sentence():
    with pytest.raises(AnglesError, match="one angle in degrees"):
        reconstruct(np.zeros((10, 64), np.float32), np.arange(11.0), 31.5)


@pytest.mark.parametrize("size", [48, 65, 300])
def test_the_fourier_sum_is_that_of_finufft(size):
    rng = np.random.default_rng(size)
    x, y = rng.uniform(-np.pi, np.pi, (2, 3000)).astype(np.float32)
    c = (rng.normal(size=3000) + 1j * rng.normal(size=3000)).astype(np.complex64)
    right = finufft.nufft2d1(y.astype(float), x.astype(float), c.astype(complex), (size, size), eps=1e-9, isign=1)
    wrong = FourierSum(x, y, size)(c) - right
    assert np.linalg.norm(wrong) < 1e-2 * np.linalg.norm(right)


SCANS = {
    "half turn": (256, half_turn(180), 127.3),
    "from 90 to 270": (256, 90 + np.linspace(0, 180, 181), 120.77),
    "full turn": (256, np.arange(360.0), 110.4),
    "odd width": (301, np.arange(720) * 0.5, 141.3),
    "golden angle": (256, np.mod(np.arange(300) * GOLDEN, 180), 131.2),
    "far from the middle": (256, half_turn(180), 90.6),
}


@pytest.mark.parametrize("scan", SCANS)
def test_the_axis_of_a_noisy_scan_is_found_to_a_tenth_of_a_pixel(scan):
    size, angles, axis = SCANS[scan]
    lines = Solid(3).slice_at(0.2).sinogram(size, angles, axis)
    lines *= 2 / lines.max()
    counts = np.random.default_rng(11).poisson(20_000 * np.exp(-lines))
    found = find_axis(-np.log(np.maximum(counts, 1) / 20_000).astype(np.float32), angles)
    assert found.column == pytest.approx(axis, abs=0.1)
    assert found.error is not None
    assert found.error < 0.5
    assert "refined by sweep" in found.how().en


def test_a_row_without_a_sample_has_no_axis():
    with pytest.raises(AxisError, match="Choose a row that crosses the sample"):
        find_axis(np.zeros((90, 64), np.float32), np.arange(90.0) * 2)
