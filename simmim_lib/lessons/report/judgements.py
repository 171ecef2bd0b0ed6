"""How wrong a network is about each test example, in words that fit below an image."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from simmim_lib.datasets import Dataset
from simmim_lib.datasets.stratified_splits import strata
from simmim_lib.pictures.classification import MAX_CLASSES

THRESHOLD = 0.5
"""From this probability on a label is predicted to be true."""


class Judgement(NamedTuple):
    """What a network predicts for an image, beside the truth.

    Attributes:
        wrongness: how wrong it is; only the order counts.
        wrong: whether the prediction is another than the truth.
        true: the truth.
        predicted: what is predicted.
        sure: how sure the network is of it; "" for numbers.
    """

    wrongness: float
    wrong: bool
    true: str
    predicted: str
    sure: str


def judge(data: Dataset, outputs: np.ndarray) -> list[Judgement]:
    """Judge what a network says about each test image.

    Args:
        data: a target's.
        outputs: probabilities of the classes or of the labels, or numbers, (n, outputs).
    """
    of_kind = _JUDGES[data.kind]
    return [
        of_kind(data.class_names, label, output)
        for label, output in zip(data.test.labels, outputs, strict=True)
    ]


def most_wrong(data: Dataset, judged: Sequence[Judgement], most: int) -> tuple[list[int], str]:
    """Return the test examples to show, the worst first, and a title that says which they are.

    Where nothing is wrong, those that were nearest to it.

    Args:
        data: a target's.
        judged: all its test examples.
        most: how many to show.
    """
    wrong = sum(judgement.wrong for judgement in judged)
    worst_first = sorted(range(len(judged)), key=lambda n: -judged[n].wrongness)
    order = [n for n in worst_first if judged[n].wrong or not wrong][:most]
    among = f"{len(judged)} test {data.content}"
    if data.kind == "regression":
        return order, f"the {len(order)} largest errors of {among}"
    if not wrong:
        return order, f"no mistake on {among}; the {len(order)} most doubtful"
    if wrong == 1:
        return order, f"the only mistake on {among}"
    which = "all" if len(order) == wrong else f"the worst {len(order)} of"
    return order, f"{which} {wrong} mistakes on {among}"


def _of_classes(names: Sequence[str], label: np.ndarray, output: np.ndarray) -> Judgement:
    predicted = int(output.argmax())
    wrong, sure = predicted != label, _sure(output[predicted])
    return Judgement(1 - output[label], wrong, names[int(label)], names[predicted], sure)


def _of_labels(names: Sequence[str], label: np.ndarray, output: np.ndarray) -> Judgement:
    """Judge several labels: how probable all of the truth is, if each is a matter of its own."""
    predicted = output >= THRESHOLD
    right = np.where(label > 0, output, 1 - output)
    sure = np.prod(np.maximum(output, 1 - output))
    wrong = bool(np.any(predicted != (label > 0)))
    true, said = _texts(names, label > 0, predicted)
    return Judgement(float(1 - np.prod(right)), wrong, true, said, _sure(float(sure)))


def _of_numbers(names: Sequence[str], label: np.ndarray, output: np.ndarray) -> Judgement:
    off = float(np.abs(output - label).max())
    return Judgement(off, off > 0, _number(label), _number(output), "")


_JUDGES: dict[str, Callable[[Sequence[str], np.ndarray, np.ndarray], Judgement]] = {
    "classification": _of_classes,
    "multi-label": _of_labels,
    "regression": _of_numbers,
}


def label_text(data: Dataset, label: np.ndarray) -> str:
    """Return what a label of a dataset says, such as "circle", "bar + top" or "score 12.5"."""
    if data.kind == "classification":
        return data.class_names[int(label)]
    if data.kind == "multi-label":
        return _texts(data.class_names, label > 0)[0]
    return f"{data.class_names[0]} {_number(label)}"


def _texts(names: Sequence[str], *flags: np.ndarray) -> list[str]:
    """Return for each row of flags, (labels,), the names of those that hold."""
    return [
        " + ".join(name for name, holds in zip(names, each, strict=True) if holds) or "none"
        for each in flags
    ]


def of_each_class(data: Dataset, about: int) -> tuple[np.ndarray, int, int]:
    """Choose training examples of each class to show.

    Of several labels each combination counts as a class, of numbers each fifth.

    Args:
        data: a dataset.
        about: how many in all, where there are few classes.

    Returns:
        Their positions, class by class; how many of each at most; how many classes.
    """
    kinds = strata(data.train.labels, data.kind)
    groups = np.unique(kinds)[:MAX_CLASSES]
    of_each = max(1, about // len(groups))
    chosen = [np.flatnonzero(kinds == group)[:of_each] for group in groups]
    return np.concatenate(chosen), of_each, len(groups)


def _number(values: np.ndarray) -> str:
    return " ".join(f"{value:.4g}" for value in values)


def _sure(probability: float) -> str:
    """Return a probability in percent; what is not certain is never called so."""
    return "over 99 %" if probability > 0.99 else f"{100 * probability:.0f} %"
