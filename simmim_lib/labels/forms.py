"""The one form of a task's labels, made of whatever form they come in.

Losses and metrics take class numbers from 0, columns of 0 and 1, or numbers. People have names of
classes, one-hot rows, columns of a table, lists. What can mean one thing only is understood; what
may mean several, as classes counted from 1, is refused: a wrong guess would be learnt.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from simmim_lib.errors import WorkbookError, check_choice, shown

if TYPE_CHECKING:
    from simmim_lib.simmim import Task

MAX_NAMED = 6
"""How many values or names a sentence lists."""

NUMBER_KINDS = "biuf"
"""Kinds of NumPy's types that are numbers or truth values."""


def in_form(task: "Task", given: Any, counts: np.ndarray | None = None) -> np.ndarray:
    """Return a task's labels as its loss takes them.

    Args:
        task: whose labels they are.
        given: an array of NumPy's, pandas's or TensorFlow's, or a list, of n examples. To tell
            classes apart their positions or their names, (n,) or (n, 1), or one-hot rows (n,
            classes); for several labels 0 or 1, for a regression numbers, (n, columns), or (n,)
            where there is one column. A table whose columns are named as the classes is read by
            these names.
        counts: (n,), which examples have a label; by default all. Whatever stands for the others
            becomes 0.

    Returns:
        Class numbers (n,), int32; of the other kinds (n, columns), float32.

    Raises:
        WorkbookError: a label that counts is missing, is not one of the task's, or may mean
            several things.
    """
    labels = _shaped(task, _as_array(task, given))
    counts = np.ones(len(labels), bool) if counts is None else counts
    known = _OF_KIND[task.kind](task, _plain(task, labels[counts]))
    formed = np.zeros((len(labels), *known.shape[1:]), known.dtype)
    formed[counts] = known
    return formed


def refuse_missing(task: "Task", given: Any, counts: np.ndarray | None = None) -> None:
    """Raise where a label that counts is missing, whatever else the labels look like.

    Args:
        task: whose labels they are.
        given: of n examples.
        counts: (n,), which examples have a label; by default all.

    Raises:
        WorkbookError: as the first line says.
    """
    labels = _as_array(task, given)
    missing = _missing(labels if counts is None else labels[counts])
    if missing.any():
        raise WorkbookError(
            f"The labels of task {shown(task.name)} are missing (NaN) for {_rows(missing)} of "
            f"{len(missing)} examples that count: give these a label, or sample_weight 0."
        )


def count(task: "Task", given: Any) -> int:
    """Return how many examples labels are of.

    Raises:
        WorkbookError: they are no array.
    """
    return len(_as_array(task, given))


def weights_of_examples(task: "Task", given: Any, examples: int) -> np.ndarray:
    """Return what each example counts, (n,), float32.

    Args:
        task: whose examples they are.
        given: one number for each, (n,) or (n, 1).
        examples: how many there are.

    Raises:
        WorkbookError: other shapes, or numbers that are not finite or below 0.
    """
    try:
        weights = np.asarray(given, np.float32)
    except (TypeError, ValueError):
        weights = np.array(np.nan, np.float32)
    fits = weights.shape in ((examples,), (examples, 1))
    if not fits or not np.isfinite(weights).all() or (weights < 0).any():
        raise WorkbookError(
            f"sample_weight of task {shown(task.name)} is {shown(given)}, but must be a finite "
            f"number of at least 0 for each of its {examples} examples: 0 for one without a label, "
            "1 for the others."
        )
    return weights.reshape(examples)


# --- from what people have to an array ----------------------------------------------------------


def _as_array(task: "Task", given: Any) -> np.ndarray:
    """Return an array with a first axis, None where a masked array is masked."""
    given = _by_column_names(task, given)
    if np.ma.isMaskedArray(given):
        given = _unmasked(given)
    try:
        array = np.asarray(given)
        if array.dtype.kind == "U" and isinstance(given, list | tuple):
            array = np.asarray(given, object)  # else numbers and NaN amid texts become texts
    except Exception:  # rows of several lengths, or a tensor that is no array
        array = np.array(None)
    if not array.ndim or array.dtype.kind not in NUMBER_KINDS + "OSU":
        _refuse(task, f"are {shown(given)}", "give an array or a list with one entry an example")
    return array


def _unmasked(given: "np.ma.MaskedArray[Any, Any]") -> np.ndarray:
    """Return the array without its mask, None where it hides something."""
    if not np.ma.is_masked(given):
        return given.data
    values = given.data.astype(object)
    values[np.ma.getmaskarray(given)] = None
    return values


def _by_column_names(task: "Task", given: Any) -> Any:
    """Bring the columns of a table into the order of the classes, if they are named as these."""
    columns = {str(name): name for name in getattr(given, "columns", ())}
    if set(columns) != set(task.class_names):
        return given
    return given[[columns[name] for name in task.class_names]]


def _shaped(task: "Task", labels: np.ndarray) -> np.ndarray:
    """Return (n,) or one-hot rows (n, classes) of classes, (n, columns) of the other kinds."""
    outputs, one = len(task.class_names), task.kind == "classification"
    if one and labels.ndim == 2 and labels.shape[1] == 1:
        return labels[:, 0]
    if not one and labels.ndim == 1 and outputs == 1:
        return labels[:, np.newaxis]
    if labels.shape[1:] != (outputs,) and not (one and labels.ndim == 1):
        wanted = "(n,)" if one else f"(n, {outputs})"
        _refuse(task, f"have shape {labels.shape}", f"bring them to {wanted}")
    return labels


def _plain(task: "Task", labels: np.ndarray) -> np.ndarray:
    """Return labels that count as an array of numbers or of texts."""
    refuse_missing(task, labels)
    if labels.dtype.kind in NUMBER_KINDS + "U":
        return labels
    values = [
        each.decode(errors="replace") if isinstance(each, bytes) else each
        for each in labels.ravel().tolist()
    ]
    texts = sum(isinstance(each, str) for each in values)
    if texts not in (0, len(values)):
        _refuse(task, f"are {listed(values)}, partly texts", "write all of them in one way")
    array = np.array(values, str if texts else None).reshape(labels.shape)
    return array if array.dtype.kind in NUMBER_KINDS + "U" else _from_objects(task, array)


def _from_objects(task: "Task", labels: np.ndarray) -> np.ndarray:
    """Return numbers of another library or beyond 64 bits; other objects are refused."""
    try:
        return labels.astype(object).astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        _refuse(task, f"are {listed(labels.ravel())}", "convert them")


def _missing(labels: np.ndarray) -> np.ndarray:
    """Tell of each label whether it is NaN, None or pandas's NA."""
    if labels.dtype.kind == "f":
        return np.isnan(labels)
    if labels.dtype.kind != "O":
        return np.zeros(labels.shape, bool)
    missing = [each is None or _is_nan(each) for each in labels.ravel()]
    return np.array(missing, bool).reshape(labels.shape)


def _is_nan(value: object) -> bool:
    """Tell NaN of Python's, NumPy's and pandas's types; a class may be named so."""
    return not isinstance(value, str | bytes) and str(value) in ("nan", "NaN", "NaT", "<NA>")


def _rows(flags: np.ndarray) -> int:
    """Return how many examples have a flag."""
    return int(flags.reshape(len(flags), -1).any(axis=1).sum())


# --- what each kind of task allows --------------------------------------------------------------


def _classes(task: "Task", labels: np.ndarray) -> np.ndarray:
    if labels.dtype.kind == "U":
        return _by_name(task, labels)
    if labels.ndim == 2:
        return _from_one_hot(task, labels)
    if labels.dtype.kind == "b":
        return _from_truth(task, labels)
    if not np.isin(labels, np.arange(len(task.class_names))).all():
        _refuse(task, f"are {listed(labels)}", _how_to_count(task, labels))
    return labels.astype(np.int32)


def _by_name(task: "Task", labels: np.ndarray) -> np.ndarray:
    names = task.class_names
    if labels.ndim == 2 or len(set(names)) < len(names):
        _refuse(task, f"are the texts {listed(labels)}", "give class numbers")
    seen, places = np.unique(labels, return_inverse=True)
    for name in seen:
        check_choice(f"label of task {shown(task.name)}", str(name), names)
    return np.array([names.index(name) for name in seen], np.int32)[places.reshape(labels.shape)]


def _from_one_hot(task: "Task", labels: np.ndarray) -> np.ndarray:
    bad = ~np.isin(labels, (0, 1)).all(axis=1) | (labels.sum(axis=1) != 1)
    if bad.any():
        what = f"have rows such as {shown(labels[bad][0].tolist())}"
        _refuse(task, what, "write one 1 in each row and else 0, or the numbers of the classes")
    return labels.argmax(axis=1).astype(np.int32)


def _from_truth(task: "Task", labels: np.ndarray) -> np.ndarray:
    """Read truth values: the two classes of a task, by their names if these are True and False."""
    if set(task.class_names) == {"False", "True"}:
        return _by_name(task, labels.astype(str))
    if len(task.class_names) != 2:
        _refuse(task, f"are {listed(labels)}", "give the numbers of the classes")
    return labels.astype(np.int32)


def _how_to_count(task: "Task", labels: np.ndarray) -> str:
    classes = len(task.class_names)
    if set(map(_text, np.unique(labels))) <= set(task.class_names):
        return "these are names of classes, so write them as texts, as labels.astype(str) does"
    if labels.min() == 1 and labels.max() == classes:
        return "they count from 1, so subtract 1"
    if len(np.unique(labels)) <= classes:
        return "number the classes as np.unique(labels, return_inverse=True)[1] does, or name them"
    return f"give Task all of its class names, which are {classes} now"


def _marks(task: "Task", labels: np.ndarray) -> np.ndarray:
    if labels.dtype.kind == "U" or not np.isin(labels, (0, 1)).all():
        _refuse(task, f"are {listed(labels)}", "write 1 where a label is true, and else 0")
    return labels.astype(np.float32)


def _numbers(task: "Task", labels: np.ndarray) -> np.ndarray:
    if labels.dtype.kind == "U":
        _refuse(task, f"are the texts {listed(labels)}", "convert them with astype(float)")
    with np.errstate(over="ignore"):
        numbers = labels.astype(np.float32)
    if not np.isfinite(numbers).all():
        large = labels[~np.isfinite(numbers)]
        _refuse(task, f"hold {listed(large)}", "use a unit in which they are smaller")
    return numbers


_OF_KIND: dict[str, Callable[["Task", np.ndarray], np.ndarray]] = {
    "classification": _classes,
    "multi-label": _marks,
    "regression": _numbers,
}

# --- sentences ----------------------------------------------------------------------------------


def _allowed(task: "Task") -> str:
    names = listed(task.class_names)
    if task.kind == "classification":
        return f"class numbers from 0 to {len(task.class_names) - 1}, or the names {names}"
    if task.kind == "multi-label":
        return f"0 or 1 in a column for each of {names}"
    return f"finite numbers in a column for each of {names}"


def _refuse(task: "Task", what: str, advice: str) -> NoReturn:
    raise WorkbookError(
        f"The labels of task {shown(task.name)} {what}, but must be {_allowed(task)}: {advice}."
    )


def listed(values: Any) -> str:
    """Return the different values in order, the middle ones left out where there are many."""
    texts = [*dict.fromkeys(map(_text, _in_order(values)))]
    if len(texts) > MAX_NAMED:
        texts = [*texts[: MAX_NAMED - 2], "…", texts[-1]]
    return ", ".join(texts)


def _in_order(values: Any) -> Any:
    array = np.asarray(values)
    if array.dtype.kind in NUMBER_KINDS:
        return np.unique(array)
    return array.ravel() if isinstance(values, np.ndarray) else values


def _text(value: object) -> str:
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    return shown(value.item() if isinstance(value, np.generic) else value)
