"""The lengths of task gradients and the angles between them: all that a weighting needs to know.

Methods solve for gradients of length one and put the lengths in at the end, so that one step's
gradients may differ in length by many orders of magnitude.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

# A shorter gradient counts as zero: its square does not fit into a Gram matrix.
SHORTEST = 1e-150
# Inner products of unit vectors carry rounding of about 1e-15, so that an eigenvalue of the cosines
# below this one tells nothing: gradients closer than about 1e-7 radian count as parallel.
NOISE = 1e-14


@dataclass(frozen=True, eq=False)
class Geometry:
    """How long the gradients of some tasks are, and how they lie to each other.

    Attributes:
        norms: Euclidean lengths, shape (tasks,).
        cosines: of the angle between every two, shape (tasks, tasks); 0 where a gradient is zero.
    """

    norms: np.ndarray
    cosines: np.ndarray

    @classmethod
    def of_gram(cls, gram: np.ndarray) -> "Geometry":
        """Read it off the gradients' inner products, shape (tasks, tasks), all finite."""
        norms = _without_the_shortest(np.sqrt(np.maximum(np.diagonal(gram), 0.0)))
        lengths = np.where(norms > 0, norms, 1.0)
        return cls(norms, _tidy(norms, gram / lengths / lengths[:, np.newaxis]))

    @classmethod
    def of_gradients(cls, gradients: np.ndarray) -> "Geometry":
        """Measure gradients, shape (tasks, parameters), all finite."""
        largest = np.maximum(np.abs(gradients).max(axis=1), SHORTEST)
        scaled = gradients / largest[:, np.newaxis]  # so that no square over- or underflows
        lengths = np.linalg.norm(scaled, axis=1)
        norms = _without_the_shortest(largest * lengths)
        scaled /= np.where(norms > 0, lengths, 1.0)[:, np.newaxis]
        return cls(norms, _tidy(norms, scaled @ scaled.T))

    def of(self, chosen: np.ndarray) -> "Geometry":
        """Return the geometry of the chosen tasks alone; `chosen` is a mask, shape (tasks,)."""
        if chosen.all():
            return self
        return Geometry(self.norms[chosen], self.cosines[np.ix_(chosen, chosen)])

    @cached_property
    def eigen(self) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues of the cosines, rising, none below NOISE; and the eigenvectors as columns."""
        values, vectors = np.linalg.eigh(self.cosines)
        return np.maximum(values, NOISE), vectors

    @property
    def unit_gradients(self) -> np.ndarray:
        """Columns of length one with these cosines, in as many dimensions as there are tasks."""
        values, vectors = self.eigen
        return np.sqrt(values)[:, np.newaxis] * vectors.T


def _without_the_shortest(norms: np.ndarray) -> np.ndarray:
    return np.where(norms > SHORTEST, norms, 0.0)


def _tidy(norms: np.ndarray, cosines: np.ndarray) -> np.ndarray:
    """Take rounding away: symmetric, from -1 to 1, with a diagonal of ones (0 for no gradient)."""
    present = (norms > 0).astype(float)
    tidy = np.clip((cosines + cosines.T) / 2, -1.0, 1.0) * np.outer(present, present)
    np.fill_diagonal(tidy, present)
    return tidy
