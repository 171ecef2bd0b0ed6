"""What every weighting has in common: a name, a formula, a paper, and weights for each step."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike

from simmim_lib.errors import WorkbookError, check_whole, shown
from simmim_lib.weighting.geometry import Geometry

Sees = Literal["losses", "norms", "gradients"]


class Method:
    """One way to weigh tasks; an object holds the state of one training run.

    Args:
        tasks: how many there are, at least two (one will do for fixed weights).
        seed: of whatever is drawn at random.
        names: of the tasks, for messages; their positions from 1 when left out.

    Attributes:
        name: what `Settings` and `METHODS` call it.
        title: what a reader calls it.
        short_title: the same where there is little room, as papers call it.
        formula: LaTeX, without dollar signs.
        paper: authors, year, title.
        sees: what it needs to know: "losses" only, also the "norms" of the tasks' gradients with
            respect to what they share, or the "gradients", through their inner products.

    Raises:
        WorkbookError: too few tasks, or an option out of range.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    short_title: ClassVar[str]
    formula: ClassVar[str]
    paper: ClassVar[str]
    sees: ClassVar[Sees] = "losses"
    least_tasks: ClassVar[int] = 2

    def __init__(self, tasks: int, *, seed: int = 0, names: Sequence[str] | None = None) -> None:
        check_whole("The number of tasks", tasks, 1)
        check_whole("seed", seed, 0)
        if tasks < self.least_tasks:
            raise WorkbookError(
                f"{shown(self.name)} weighs tasks against each other and needs at least two tasks, "
                "but there is one: add a task, or choose 'fixed'."
            )
        self.tasks = int(tasks)
        self.names = names
        self.generator = np.random.default_rng(seed)

    def weigh(self, losses: ArrayLike, gram: ArrayLike | None = None) -> np.ndarray:
        """Return the tasks' weights for a training step; call it once a step, before the update.

        Args:
            losses: this step's, already multiplied by the tasks' fixed weights, shape (tasks,).
            gram: inner products of the tasks' gradients, shape (tasks, tasks), as `sees` asks: for
                "norms" only its diagonal, the squared norms, is looked at; for "losses" None.

        Returns:
            Weights, shape (tasks,); the step goes along sum_t weights_t gradient_t.

        Raises:
            WorkbookError: a loss or gradient that is NaN or infinite, with the task's name; another
                number of tasks than promised; no Gram matrix for a method that needs it. The state
                is then what it was before the call.
        """
        values = np.array(losses, dtype=np.float64)  # a copy: some methods remember it
        if values.shape != (self.tasks,):
            raise WorkbookError(
                f"Losses have shape {values.shape}, but there are {self.tasks} tasks: give one "
                f"loss for each, shape ({self.tasks},)."
            )
        check_finite(values, self.names)
        return self._weights(values, None if self.sees == "losses" else self._geometry(gram))

    def _weights(self, losses: np.ndarray, geometry: Geometry | None) -> np.ndarray:
        raise NotImplementedError

    def _geometry(self, gram: ArrayLike | None) -> Geometry:
        if gram is None:
            raise WorkbookError(
                f"{shown(self.name)} looks at the tasks' gradients, but got none: give the matrix "
                "of their inner products as gram."
            )
        products = np.asarray(gram, dtype=np.float64)
        if products.shape != (self.tasks, self.tasks):
            raise WorkbookError(
                f"The Gram matrix has shape {products.shape}, but for {self.tasks} tasks it must "
                f"be ({self.tasks}, {self.tasks}): give the inner product of every two gradients."
            )
        # A gradient that is not finite spoils its row and its column: only the diagonal tells
        # whose it is.
        check_finite(np.diagonal(products), self.names, what="gradient")
        check_finite(products, self.names, what="gradient")
        return Geometry.of_gram(products)


def check_finite(
    values: ArrayLike, names: Sequence[str] | None = None, *, what: str = "loss"
) -> None:
    """Raise unless the numbers of every task are finite.

    Args:
        values: shape (tasks, ...).
        names: of the tasks; their positions from 1 when left out.
        what: the numbers are, such as "loss" or "gradient".

    Raises:
        WorkbookError: with the first task whose numbers are not.
    """
    numbers = np.asarray(values)
    rows = numbers.reshape(len(numbers), -1)
    bad = ~np.isfinite(rows)
    if not bad.any():
        return
    task = int(np.flatnonzero(bad.any(axis=1))[0])
    whose = repr(names[task]) if names is not None else str(task + 1)
    is_what = "is NaN" if np.isnan(rows[task]).any() else "is infinite"
    raise WorkbookError(
        f"The {what} of task {whose} {is_what}, but must be finite: lower the learning rate or "
        "the task's weight, or look at its data."
    )
