"""The non-uniform Fourier sum of the engine, type 1 in two dimensions, with finufft's spreading and our own FFT.

finufft alone would do; but of its fine grid only the part of the image is needed, so that a tenth of the FFT can be
left out, and SciPy's is the faster one. The image of the kernel is measured rather than derived: it is the mean
answer to one point as that moves through a cell of the grid.
"""

import finufft
import numpy as np
import scipy.fft
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Complex64 = NDArray[np.complex64]

TOLERANCE = 1e-2
"""Of the sum, relative; four points of the grid on each side. The phantom's error is the same as with 1e-6."""
FINENESS = 1.25
SHIFTS = 64


class FourierSum:
    """For points x, y: strengths c ↦ Σ c exp(i(k x + l y)) for the modes of a square image, zero mode in the middle.

    Not for two threads at once: there is one fine grid.

    Parameters
    ----------
    across, down
        The points, each within −π to π.
    size
        Width of the image; modes −size//2 … (size − 1)//2.
    """

    def __init__(self, across: Float32, down: Float32, size: int) -> None:
        self._size = size
        self._fine = 2 * int(scipy.fft.next_fast_len(int(np.ceil(FINENESS * size / 2))))
        self._correction = self._kernel_correction()
        self._plan = self._spreader(dimensions=2)
        # The points must outlive the plan, which keeps their addresses.
        self._points = (np.ascontiguousarray(down), np.ascontiguousarray(across))
        self._plan.setpts(*self._points)
        self._grid = np.empty((self._fine, self._fine), dtype=np.complex64)

    def _spreader(self, dimensions: int) -> finufft.Plan:
        return finufft.Plan(
            1,
            (self._fine,) * dimensions,
            eps=TOLERANCE,
            isign=1,
            dtype="complex64",
            nthreads=1,
            upsampfac=FINENESS,
            spreadinterponly=1,
        )

    def _modes(self) -> NDArray[np.intp]:
        return np.arange(-(self._size // 2), (self._size + 1) // 2)

    def _kernel_correction(self) -> Float32:
        plan, modes = self._spreader(dimensions=1), self._modes()
        answer = np.zeros(self._size)
        for shift in np.arange(SHIFTS) / SHIFTS - 0.5:
            at = np.array([2 * np.pi * shift / self._fine], dtype=np.float32)
            plan.setpts(at)
            spread = plan.execute(np.ones(1, dtype=np.complex64)).astype(np.complex128)
            answer += (np.fft.ifft(spread, norm="forward")[modes] * np.exp(-1j * modes * float(at[0]))).real / SHIFTS
        return np.outer(1.0 / answer, 1.0 / answer).astype(np.float32)

    def __call__(self, strengths: Complex64) -> Complex64:
        """Return the image, shape (size, size), for strengths in the order of the points."""
        below, above, fine = self._size // 2, self._size - self._size // 2, self._fine
        grid = self._plan.execute(strengths, out=self._grid)
        grid = scipy.fft.ifft(grid, axis=1, norm="forward", overwrite_x=True, workers=1)
        image = np.empty((self._size, self._size), dtype=np.complex64)
        # Only the columns that the image keeps go on; negative modes stand at the end of the grid.
        for from_grid, to_image in (
            (slice(fine - below, fine), slice(0, below)),
            (slice(0, above), slice(below, self._size)),
        ):
            columns = scipy.fft.ifft(grid[:, from_grid], axis=0, norm="forward", overwrite_x=True, workers=1)
            np.multiply(columns[fine - below :], self._correction[:below, to_image], out=image[:below, to_image])
            np.multiply(columns[:above], self._correction[below:, to_image], out=image[below:, to_image])
        return image
