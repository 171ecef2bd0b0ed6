"""Which images keep their labels where classes are unequal, labels are several, or numbers."""

import dataclasses
import itertools

import numpy as np
import pytest

from simmim_lib import datasets
from simmim_lib.datasets import Dataset, Part, choose
from simmim_lib.datasets.stratified_splits import strata, stratified, stratified_groups
from simmim_lib.errors import WorkbookError


def dataset(labels: np.ndarray, kind: str, names: tuple[str, ...], **more: object) -> Dataset:
    images = np.zeros((len(labels), 2, 2, 1), np.float32)
    test = Part(images[:1], labels[:1])
    return Dataset("made-up", "Made up", Part(images, labels), test, names, "", "", kind, **more)


def unequal(*sizes: int) -> Dataset:
    labels = np.repeat(np.arange(len(sizes)), sizes).astype(np.int32)
    return dataset(labels, "classification", tuple("abcdefgh"[: len(sizes)]))


def several(n: int = 400) -> Dataset:
    """A frequent, a less frequent and a rare label, independent of each other."""
    random = np.random.default_rng(0)
    labels = random.random((n, 3)) < np.array([0.5, 0.2, 0.02])
    return dataset(labels.astype(np.float32), "multi-label", ("often", "sometimes", "rarely"))


def numbers(n: int = 100) -> Dataset:
    labels = np.random.default_rng(0).permutation(n).astype(np.float32)[:, None]
    return dataset(labels, "regression", ("age",))


EACH_KIND = [unequal(100, 40, 9), several(), numbers()]


@pytest.mark.parametrize("data", EACH_KIND, ids=lambda data: data.kind)
@pytest.mark.parametrize("amount", [0, 3, "up to 30", "all"])
def test_every_image_is_in_one_field_and_has_no_twin(data, amount):
    chosen = choose(data, amount, 0)
    assert sorted(np.concatenate(chosen)) == list(range(len(data.train)))
    assert len(chosen.validation) == pytest.approx(len(data.train) / 5, abs=1)
    assert (len(chosen.unlabelled) == 0) == (amount == "all")
    assert (len(chosen.labelled) == 0) == (amount == 0)


@pytest.mark.parametrize("data", EACH_KIND, ids=lambda data: data.kind)
def test_more_labels_keep_validation_and_the_labels_there_were(data):
    amounts = (0, 1, 4, "up to 4", "up to 9", "up to 50", "all")
    choices = [choose(data, amount, 1) for amount in amounts]
    for fewer, more in itertools.pairwise(choices):
        assert np.array_equal(fewer.validation, more.validation)
        assert set(fewer.labelled) <= set(more.labelled)
    assert np.array_equal(choices[2].labelled, choices[3].labelled)


def test_a_small_class_does_not_cap_the_others():
    """What a practitioner met: 12 forks among hundreds of photographs allowed seven labels."""
    data = unequal(300, 200, 12)
    chosen = choose(data, "up to 50", 0)
    assert np.bincount(data.train.labels[chosen.labelled]).tolist() == [50, 50, 10]
    with pytest.raises(WorkbookError, match=r"at most 10: .*'c'.*labels_per_class='up to 50'"):
        choose(data, 50, 0)


@pytest.mark.parametrize("sizes", [(4, 4, 4, 4, 803), (2, 500), (2, 2, 2, 7000)])
def test_a_small_class_validates_and_is_learned(sizes):
    data = unequal(*sizes)
    for seed in range(3):
        chosen = choose(data, "all", seed)
        for part in (chosen.validation, chosen.labelled):
            assert np.bincount(data.train.labels[part], minlength=len(sizes)).min() >= 1


def test_each_of_several_labels_is_seen_often_enough():
    data = several()
    chosen = choose(data, "up to 10", 0)
    labels = data.train.labels[chosen.labelled]
    rare = int(data.train.labels[np.setdiff1d(np.arange(400), chosen.validation), 2].sum())
    assert rare < 10
    assert labels[:, 0].sum() >= 10 and labels[:, 1].sum() >= 10 and labels[:, 2].sum() == rare
    assert np.sum(~labels.any(axis=1)) == 10
    assert len(labels) <= 40
    with pytest.raises(WorkbookError, match=f"at most {rare}: .*'rarely'"):
        choose(data, 10, 0)


def test_an_image_without_any_label_is_not_asked_for():
    labels = np.ones((50, 2), np.float32)
    labels[:25, 0] = 0
    data = dataset(labels, "multi-label", ("a", "b"))
    assert len(choose(data, 5, 0).labelled) in range(5, 11)


def test_combinations_of_labels_validate_in_their_shares():
    data = several(1000)
    chosen = choose(data, 1, 0).validation
    shares, found = data.train.labels.mean(axis=0), data.train.labels[chosen].mean(axis=0)
    np.testing.assert_allclose(found, shares, atol=0.02)


def test_numbers_are_counted_in_all():
    data = numbers()
    chosen = choose(data, 10, 0)
    assert len(chosen.labelled) == 10
    # A fifth each from the smallest to the largest, so that no end goes unseen.
    assert np.histogram(data.train.labels[chosen.validation], 5, (0, 100))[0].tolist() == [4] * 5
    with pytest.raises(WorkbookError, match="at most 80: it has no more"):
        choose(data, 81, 0)


def test_a_validation_part_is_kept_whatever_the_seed():
    data = dataclasses.replace(unequal(20, 20), validation=np.array([3, 30, 31]))
    for seed in range(3):
        assert choose(data, 2, seed).validation.tolist() == [3, 30, 31]


@pytest.mark.parametrize("given", ["", "up to", "up to -3", "up to 2.5", "All", "upto 3", "10"])
def test_other_texts_are_no_amounts(given):
    with pytest.raises(WorkbookError) as error:
        choose(unequal(9, 9), given, 0)
    text = str(error.value)
    assert f"labels_per_class is {given!r}" in text and "'all'" in text and "'up to 20'" in text


@pytest.mark.parametrize("amount", [0, 2, "all"])
def test_where_there_are_no_labels_none_can_be_kept(amount):
    with pytest.raises(WorkbookError, match="'wikipedia' has no labels"):
        datasets.few_shot("wikipedia", amount, 0)


def test_amounts_are_read():
    assert datasets.wanted_labels("up to 20") == (20, False)
    assert datasets.wanted_labels("all") == (None, False)
    assert datasets.wanted_labels(np.int64(4)) == (4, True)


def test_the_draw_is_as_it_always_was():
    """Every stored result is of these images, in this order."""
    chosen = choose(unequal(8, 6), 2, 0)
    assert chosen.labelled.tolist() == [7, 5, 13, 10]
    assert chosen.unlabelled.tolist() == [0, 1, 3, 4, 6, 8, 9, 11]
    assert chosen.validation.tolist() == [2, 12]


def stratum_sizes(labels: list[float]) -> list[int]:
    return np.bincount(strata(np.array(labels)[:, None], "regression")).tolist()


def test_numbers_are_put_in_fifths_by_size():
    assert stratum_sizes([3, 1, 2, 5, 4]) == [1] * 5
    assert stratum_sizes([*range(10)]) == [2] * 5
    assert stratum_sizes([*range(12)]) == [3, 2, 3, 2, 2]
    found = strata(np.array([[7.0], [1.0], [9.0], [3.0], [8.0]]), "regression")
    assert found.tolist() == [2, 0, 4, 1, 3]


def test_of_each_class_that_can_be_divided_one_is_chosen_and_one_is_not():
    labels = np.repeat([0, 1, 2], [4, 3, 1])
    for count, quotas in ((0, [1, 1, 0]), (4, [2, 2, 0]), (8, [3, 2, 1])):
        chosen = stratified(labels, count, np.random.default_rng(0), everywhere=True)
        assert np.bincount(labels[chosen], minlength=3).tolist() == quotas


@pytest.mark.parametrize("seed", range(5))
def test_a_group_that_brings_the_count_no_nearer_is_left(seed):
    """Of pairs, three images are one pair, and not two."""
    random = np.random.default_rng(seed)
    chosen = stratified_groups(np.zeros(8, int), np.arange(8) // 2, 3, random)
    assert len(chosen) == 2


@pytest.mark.parametrize("seed", range(5))
def test_a_class_that_would_have_no_group_gets_its_smallest(seed):
    labels = np.repeat([0, 1], [100, 4])
    groups = np.r_[np.arange(100) // 5, 20, 20, 20, 21]
    random = np.random.default_rng(seed)
    chosen = stratified_groups(labels, groups, 10, random)
    assert np.bincount(labels[chosen]).tolist() == [10, 1]


@pytest.mark.parametrize("left", [1, 2])
def test_of_each_class_enough_groups_are_left(left):
    """Three ill patients of twenty: one to test, and one each to learn from and to validate."""
    labels = np.r_[np.tile([1, 1, 0, 0, 0, 0, 0], 3), np.zeros(85, int)]
    groups = np.r_[np.repeat([0, 1, 2], 7), 3 + np.arange(85) // 5]
    for seed in range(1000):
        random = np.random.default_rng(seed)
        chosen = stratified_groups(labels, groups, 22, random, left)
        assert len(np.unique(groups[chosen][labels[chosen] == 1])) in range(1, 4 - left)


def test_few_numbers_are_enough_to_validate():
    few = dataset(np.arange(4, dtype=np.float32)[:, None], "regression", ("size",))
    chosen = choose(few, "all", 0)
    assert len(chosen.validation) == 1 and len(chosen.labelled) == 3


@pytest.mark.parametrize("data", EACH_KIND, ids=lambda data: data.kind)
def test_labels_that_are_not_known_have_the_shape_of_those_that_are(data):
    """So that both can be put together, and learnt from with weights of 1 and 0."""
    task = datasets.few_shot(data, 3, 0)
    known, unknown = task.labelled.labels, task.unlabelled.labels
    assert (unknown.shape[1:], unknown.dtype) == (known.shape[1:], known.dtype)
    expected = datasets.NO_LABEL if data.kind == "classification" else np.nan
    np.testing.assert_array_equal(unknown, np.full_like(unknown, expected))
