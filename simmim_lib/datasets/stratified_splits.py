"""Divisions of a dataset: each class keeps its share, and each group stays in one part."""

import numpy as np
from numpy.typing import NDArray

from simmim_lib.foundation.rounding import largest_remainders

BINS = 5
"""Into how many groups of equally many images numbers are put to be divided alike."""


def strata(labels: NDArray, kind: str) -> NDArray[np.intp]:
    """Return what divisions keep the shares of.

    Args:
        labels: as in `dataset.Part`.
        kind: one of `dataset.KINDS`.

    Returns:
        For one class an image the classes, for several labels their combinations, for numbers a
        fifth each from the smallest to the largest; shape (n,).
    """
    if kind == "multi-label":
        return np.unique(labels, axis=0, return_inverse=True)[1].reshape(-1)
    if kind == "regression":
        order = np.argsort(np.argsort(labels[:, 0], kind="stable"))
        return order * BINS // len(labels)
    return labels


def stratified(
    labels: NDArray, count: int, random: np.random.Generator, everywhere: bool = False
) -> NDArray[np.intp]:
    """Choose examples so that each class keeps its share.

    Shares that are not whole are rounded by largest remainder, so that exactly `count` examples
    are chosen.

    Args:
        labels: (n,), the classes.
        count: how many examples to choose, at most n.
        random: the source of chance.
        everywhere: whether of each class with at least two examples at least one is chosen and
            one is not, for which `count` may be exceeded or missed.

    Returns:
        The chosen positions in random order, shape (count,).
    """
    classes, sizes = np.unique(labels, return_counts=True)
    quotas = largest_remainders(sizes * count / len(labels))
    if everywhere:
        quotas = np.where(sizes > 1, np.clip(quotas, 1, sizes - 1), quotas)
    chosen = [
        random.permutation(np.flatnonzero(labels == label))[:quota]
        for label, quota in zip(classes, quotas, strict=True)
    ]
    return random.permutation(np.concatenate(chosen))


def stratified_groups(
    labels: NDArray, groups: NDArray, count: int, random: np.random.Generator, left: int = 1
) -> NDArray[np.intp]:
    """Choose whole groups so that each class keeps about its share.

    In random order, each group is taken that brings the counts of the classes nearer to their
    shares, and leaves enough groups of each. A class that no group was taken of gets the smallest
    of its groups, if it has more than are left.

    Args:
        labels: (n,), the classes.
        groups: (n,), a number for each group.
        count: about how many examples to choose, at most n.
        random: the source of chance.
        left: how many groups of each class are not taken, if it has them.

    Returns:
        The chosen positions in random order.
    """
    classes, positions = np.unique(labels, return_inverse=True)
    _, members = np.unique(groups, return_inverse=True)
    table = np.zeros((members.max() + 1, len(classes)), int)
    np.add.at(table, (members.reshape(-1), positions.reshape(-1)), 1)
    wanted = largest_remainders(table.sum(axis=0) * count / len(labels))
    taken = np.zeros(len(table), bool)
    missing, free = wanted.copy(), np.sum(table > 0, axis=0)
    for group in random.permutation(len(table)):
        nearer = np.abs(missing - table[group]).sum() < np.abs(missing).sum()
        if nearer and (free[table[group] > 0] > left).all():
            taken[group] = True
            missing -= table[group]
            free -= table[group] > 0
    _take_of_every_class(table, taken, left)
    return random.permutation(np.flatnonzero(taken[members.reshape(-1)]))


def _take_of_every_class(table: NDArray, taken: NDArray[np.bool_], left: int) -> None:
    """Take the smallest group of each class that has none, if it has more than are left."""
    for column in table.T:
        has = np.flatnonzero(column)
        if len(has) > left and not taken[has].any():
            taken[has[np.argmin(table[has].sum(axis=1))]] = True
