"""Private examples, looked at before anything is learned from them."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from simmim_lib.errors import WorkbookError
from simmim_lib.labels.forms import in_form

if TYPE_CHECKING:
    from simmim_lib.simmim import Task


def checked_examples(
    task: "Task", inputs: ArrayLike, labels: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs, and labels in the form that a task's loss takes.

    Args:
        task: whose labels they are.
        inputs: (n, ...).
        labels: as `labels.forms.in_form` takes them.

    Raises:
        WorkbookError: inputs that are no finite numbers, or labels that the task cannot have or of
            another number.
    """
    inputs, labels = check_finite("inputs", inputs), in_form(task, labels)
    if len(inputs) != len(labels):
        raise WorkbookError(
            f"There are {len(inputs):,} inputs, but {len(labels):,} labels: give one label for "
            "each input."
        )
    return inputs, labels


def check_finite(what: str, given: ArrayLike) -> np.ndarray:
    """Return an array of finite numbers: one NaN would spread to all weights, and tell of itself.

    Raises:
        WorkbookError: other values, or no array of examples.
    """
    try:
        array = np.asarray(given)
    except ValueError:  # rows of several lengths
        array = np.array(None)
    if array.ndim < 2 or array.dtype.kind not in "biuf":
        raise WorkbookError(
            f"The {what} have the shape {array.shape} and the type {array.dtype}, but must be "
            "numbers, with a row for each example."
        )
    bad = ~np.isfinite(array).reshape(len(array), -1).all(axis=1) if array.size else array[:0]
    if bad.any():
        raise WorkbookError(
            f"{int(bad.sum()):,} of {len(array):,} {what} hold NaN or infinite values: leave these "
            "examples out, or fill in what is missing."
        )
    return array
