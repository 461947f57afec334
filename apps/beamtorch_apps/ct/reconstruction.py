"""The reconstruction engine: filtered back-projection in Fourier space by one non-uniform FFT per pair of slices.

The spectrum of a projection is the image's spectrum on a line through the origin. Two slices travel as real and
imaginary part of one complex image, so that one non-uniform transform back-projects both. The ramp filter is
defined in real space (Kak & Slaney, Principles of Computerized Tomographic Imaging, eq. 3.61), which keeps the mean
of the image right; projections are weighted by the angle that they stand for. Where the axis of rotation lies is
only a phase: one `Geometry` serves every trial axis.

Most of the time goes into the points, angles × length of the padded projections, so these are padded by a twentieth
instead of doubled. Such a short circular convolution bends the ramp's tail back into the picture; because that error
is smooth, `ramp.Tail` takes it out on a coarse grid. The period must also keep both ends of the detector apart in a
picture about an axis off the middle: `Shape.offset` says how far off it may lie, and `Geometry` refuses one beyond.

One thread per transform and a fixed pairing of rows make results the same to the last bit, however many workers run.
"""

from dataclasses import dataclass, replace

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from beamtorch_apps.ct.gridding import FourierSum
from beamtorch_apps.ct.ramp import NARROW, Tail, ramp, window

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Complex64 = NDArray[np.complex64]

FILTERS = ("ramp", "shepp-logan", "hann")
MOST_OFFSET = 0.225
"""Part of the detector by which the axis may lie off the middle where nobody knows it before."""
WIDEST_GAP = 8.0
"""A gap of more than so many mean gaps is a part that was not measured, not one projection's share."""


def angular_weights(angles: Float64) -> Float64:
    """Return the share of the half turn that each projection stands for.

    Parameters
    ----------
    angles
        Degrees, shape (n,), in any order; a direction and its opposite count as the same.

    Returns
    -------
    array
        Radians, shape (n,); they add up to π where the half turn is covered.
    """
    turned = np.mod(angles, 180.0)
    order = np.argsort(turned, kind="stable")
    gaps = np.diff(turned[order], append=turned[order[0]] + 180.0)
    missing = gaps > WIDEST_GAP * 180.0 / len(angles)
    if missing.any() and not missing.all():
        gaps[missing] = gaps[~missing].mean()
    weights = np.empty(len(angles))
    weights[order] = 0.5 * (gaps + np.roll(gaps, 1))
    return np.deg2rad(weights)


@dataclass(frozen=True)
class Shape:
    """What decides a plan: the detector's width, the image's width and the filter."""

    columns: int
    """Width of the detector in pixels."""
    size: int
    """Width of the image in its own pixels; fewer than ``columns`` gives a preview of the same field."""
    filter: str = "ramp"
    offset: float | None = None
    """Pixels by which the axis may lie off the middle of the detector; each costs two points of every projection.
    None: an allowance for most scans, see `farthest`."""

    @property
    def farthest(self) -> float:
        """Pixels by which the axis may lie off the middle; an axis beyond is refused."""
        return MOST_OFFSET * self.columns if self.offset is None else self.offset

    def off_middle(self, axis: float) -> float:
        """Pixels from the middle of the detector to an axis."""
        return abs(axis - 0.5 * (self.columns - 1))

    def about(self, *axes: float) -> "Shape":
        """Return the same for axes that are known: it bears these, and not much more."""
        return replace(self, offset=float(np.ceil(max(map(self.off_middle, axes)))))


class Geometry:
    """One set of angles and sizes, ready to reconstruct any number of pairs about any axis.

    Not for two threads at once: there is one workspace.

    Parameters
    ----------
    angles
        Degrees, shape (n,), any order, any range.
    shape
        Sizes and filter.
    """

    def __init__(self, angles: Float64, shape: Shape) -> None:
        self.angles = np.asarray(angles, dtype=np.float64)
        self.shape = shape
        padded = window(shape.columns, shape.farthest)
        self._tail = None if shape.columns < NARROW else Tail(shape.columns, shape.farthest, padded)
        frequency = np.fft.fftfreq(padded)
        kept = np.abs(frequency) * shape.columns < 0.5 * shape.size
        kept[padded // 2] = False
        self._kept = None if kept.sum() == padded - 1 else np.flatnonzero(kept)
        used = frequency if self._kept is None else frequency[self._kept]
        self._frequency = used
        spectrum = ramp(padded, shape.filter)
        self._filter = (spectrum if self._kept is None else spectrum[self._kept]) / padded
        self._steps = self._pixel_phase()
        self._turned: tuple[tuple[float, float], Complex64] | None = None
        # Fresh memory for each pair costs more than a one-dimensional FFT.
        self._packed = np.empty((len(self.angles), padded), dtype=np.complex64)
        self._strengths = np.empty_like(self._steps)
        self._sum = self._planned()

    def _directions(self) -> tuple[Float64, Float64]:
        radians = np.deg2rad(self.angles)
        return np.cos(radians), np.sin(radians)

    def _pixel_phase(self) -> Complex64:
        """Weights of the projections, and the half pixel that lies between an even image's centre and its modes."""
        across, down = self._directions()
        zoom = self.shape.columns / self.shape.size
        half = 0.5 * zoom if self.shape.size % 2 == 0 else 0.0
        phase = np.exp(2j * np.pi * half * np.outer(across + down, self._frequency))
        return np.asarray(phase * angular_weights(self.angles)[:, None] * self._filter, dtype=np.complex64)

    def _planned(self) -> FourierSum:
        across, down = self._directions()
        along = (2 * np.pi * self.shape.columns / self.shape.size) * self._frequency
        points = [np.outer(direction, along).astype(np.float32).ravel() for direction in (across, down)]
        return FourierSum(points[0], points[1], self.shape.size)

    def pair(self, first: Float32, second: Float32 | None, axis: float, second_axis: float | None = None) -> Complex64:
        """Reconstruct two sinograms at once, or one about two axes.

        Parameters
        ----------
        first, second
            Line integrals, shape (angles, columns); no second: zeros.
        axis, second_axis
            Column of the axis of rotation, the centre of the first pixel being 0; no second: the same.

        Returns
        -------
        array
            Shape (size, size), the slices as real and imaginary part, in 1/pixel of the detector. The axis of
            rotation is the middle of the image; x grows to the right with the detector's columns at 0°, y downwards.
        """
        spectrum = self.spectrum(first, second)
        # In place: nobody else reads this spectrum, and a third array of its size would cost its way through memory.
        return self._image(spectrum, axis, axis if second_axis is None else second_axis, spectrum)

    def about(self, spectrum: Complex64, axis: float, second_axis: float) -> Complex64:
        """Reconstruct from a spectrum that `spectrum` returned, which stays as it is.

        Raises
        ------
        ValueError
            If an axis lies farther off the middle than the shape allows: the picture would show both ends of the
            detector in one place.
        """
        return self._image(spectrum, axis, second_axis, self._strengths)

    def _image(self, spectrum: Complex64, axis: float, second_axis: float, strengths: Complex64) -> Complex64:
        axes = (axis, second_axis)
        if max(map(self.shape.off_middle, axes)) > self.shape.farthest:
            message = f"an axis of {axes} is more than {self.shape.farthest:g} px off the middle of {self.shape}"
            raise ValueError(message)
        if self._turned is None or self._turned[0] != axes:
            turn = 2j * np.pi * self._frequency
            phase = np.exp(turn * axis)
            if second_axis != axis:
                phase = phase + 1j * np.exp(turn * second_axis)
            self._turned = (axes, self._steps * phase.astype(np.complex64))
        np.multiply(spectrum, self._turned[1], out=strengths)
        image = self._sum(strengths.ravel())
        if second_axis == axis:
            self._clear(image, axis)
        else:
            self._clear(image.real, axis)
            self._clear(image.imag, second_axis)
        return image

    def _clear(self, image: Float32 | Complex64, axis: float) -> None:
        """Empty what lies farther from the axis than the detector's farther end, where its ends would meet."""
        shape = self.shape
        radius = (shape.off_middle(axis) + 0.5 * shape.columns) * shape.size / shape.columns
        middle = 0.5 * (shape.size - 1)
        half = np.sqrt(np.maximum(radius**2 - (np.arange(shape.size) - middle) ** 2, 0.0))
        first = np.maximum(np.ceil(middle - half), 0).astype(np.intp).tolist()
        for line, margin in zip(image, first, strict=True):
            if margin:
                line[:margin] = 0
                line[-margin:] = 0

    def spectrum(self, first: Float32, second: Float32 | None) -> Complex64:
        """Return the spectra of the projections as far as the image needs them; they hold until the next call."""
        packed, columns = self._packed, self.shape.columns
        packed.real[:, :columns] = first
        packed.imag[:, :columns] = 0 if second is None else second
        packed[:, columns:] = 0
        spectrum: Complex64 = scipy.fft.fft(packed, axis=1, overwrite_x=True, workers=1)
        if self._tail is not None:
            self._tail.add(spectrum)
        return spectrum if self._kept is None else spectrum[:, self._kept]
