"""Class weights: what they are, against scikit-learn; and what `SimMIM.fit` makes of them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.utils.class_weight import compute_class_weight

import simmim_lib
from simmim_lib.errors import WorkbookError
from simmim_lib.weighting import class_weights

pytestmark = pytest.mark.colab

KINDS = simmim_lib.Task("kinds", ("cat", "dog", "bird"))
AGES = simmim_lib.Task("ages", ("age",), "regression")
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((24, 4, 4, 1), np.float32)
LABELS = np.r_[[0] * 15, [1] * 6, [2] * 3]
NUMBERS = RANDOM.random((24, 1), np.float32)
ASKED = {"dog": 3.0, 2: 0.5}
EXPECTED = np.take([1.0, 3.0, 0.5], LABELS)


def model(*tasks):
    keras.utils.set_random_seed(0)
    made = simmim_lib.SimMIM(
        keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()]), tasks
    )
    made.compile(keras.optimizers.SGD(0.1))
    return made


def fitted(tasks, *data, **options):
    made = model(*tasks)
    made.fit(*data, shuffle=False, verbose=0, **options)
    return np.concatenate([weight.ravel() for weight in made.get_weights()])


def batches(*parts):
    return tf.data.Dataset.from_tensor_slices(parts).batch(8)


def test_balanced_weights_are_those_of_scikit_learn():
    found = class_weights.of_classes("balanced", KINDS, LABELS)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=LABELS)
    np.testing.assert_allclose(found, expected)


@pytest.mark.slow
@pytest.mark.parametrize("named", [False, True], ids=["array", "by task"])
@pytest.mark.parametrize("kind", ["arrays", "dataset"])
def test_one_task_is_fitted_as_with_weights_of_examples(named, kind):
    images, labels = ({"kinds": IMAGES}, {"kinds": LABELS}) if named else (IMAGES, LABELS)
    expected = fitted([KINDS], IMAGES, LABELS, sample_weight=EXPECTED, batch_size=8)
    if kind == "arrays":
        found = fitted([KINDS], images, labels, class_weight=ASKED, batch_size=8)
    else:
        found = fitted([KINDS], batches(images, labels), class_weight=ASKED)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert not np.allclose(found, fitted([KINDS], IMAGES, LABELS, batch_size=8), atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["arrays", "dataset"])
def test_of_several_tasks_each_has_its_own(kind):
    images = {"kinds": IMAGES, "ages": IMAGES}
    labels = {"kinds": LABELS, "ages": NUMBERS}
    others = {"kinds": RANDOM.random(24, np.float32), "ages": RANDOM.random(24, np.float32)}
    weights = {"kinds": others["kinds"] * EXPECTED.astype(np.float32), "ages": others["ages"]}
    tasks, asked = [KINDS, AGES], {"kinds": ASKED}
    expected = fitted(tasks, images, labels, sample_weight=weights, batch_size=8)
    if kind == "arrays":
        more = {"class_weight": asked, "sample_weight": others, "batch_size": 8}
        found = fitted(tasks, images, labels, **more)
    else:
        found = fitted(tasks, batches(images, labels, others), class_weight=asked)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.slow
def test_balanced_classes_count_the_same_in_a_fit():
    weights = compute_class_weight("balanced", classes=np.arange(3), y=LABELS)[LABELS]
    expected = fitted([KINDS], IMAGES, LABELS, sample_weight=weights)
    found = fitted([KINDS], IMAGES, LABELS, class_weight="balanced")
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_numbers_may_have_a_column_or_none():
    found = [fitted([AGES], IMAGES, labels) for labels in (NUMBERS, NUMBERS[:, 0])]
    np.testing.assert_allclose(*found, atol=1e-6)


@pytest.mark.parametrize("asked", [ASKED, "balanced"])
def test_rows_are_of_the_class_where_they_have_most(asked):
    """As a loss of one's own may want them, with smoothed labels."""
    rows = 0.9 * np.eye(3, dtype=np.float32)[LABELS] + 0.1 / 3
    found = class_weights.weigh_arrays({"kinds": asked}, [KINDS], rows)
    np.testing.assert_allclose(found, class_weights.weigh_arrays({"kinds": asked}, [KINDS], LABELS))
    if asked == ASKED:
        parts = class_weights.weigh_dataset({"kinds": asked}, [KINDS], batches(IMAGES, rows))
        np.testing.assert_allclose(np.concatenate([each for *_, each in parts]), EXPECTED)


@pytest.mark.parametrize(
    ("tasks", "asked", "words"),
    [
        ([KINDS], {"fish": 2.0}, "Unknown class 'fish'.* Choose one of: cat, dog, bird"),
        ([KINDS], {3: 2.0}, "Unknown class 3"),
        ([KINDS], {0: -1.0}, "class_weight of 0 is -1.0, but must be a finite number of at least"),
        ([KINDS], [1.0, 2.0, 3.0], r"of task 'kinds' is \[1.0, 2.0, 3.0\], but must be 'balanced'"),
        ([KINDS], np.ones(3), "but must be 'balanced', or a weight by class"),
        ([KINDS], True, "is True, but must be 'balanced', or a weight by class"),
        ([KINDS, AGES], {"kinds": {0: 2.0}, "ages": 5}, "of task 'ages' is 5, but must be"),
        ([KINDS], "even", "Unknown class_weight 'even'"),
        ([KINDS, AGES], {0: 2.0}, "has 2 tasks: give it by task, as in class_weight={'kinds':"),
        ([KINDS, AGES], {"ages": {0: 2.0}}, "Unknown task with classes 'ages'"),
    ],
)
def test_what_cannot_be_meant_gets_one_sentence(tasks, asked, words):
    names = [task.name for task in tasks]
    labels = {"kinds": LABELS, "ages": NUMBERS}
    with pytest.raises(WorkbookError, match=words):
        model(*tasks).fit(
            dict.fromkeys(names, IMAGES), {name: labels[name] for name in names}, class_weight=asked
        )


def test_balanced_weights_need_all_labels():
    with pytest.raises(WorkbookError, match=r"of a tf\.data\.Dataset are not known"):
        model(KINDS).fit(batches(IMAGES, LABELS), class_weight="balanced")


def test_a_generator_gives_its_weights_itself():
    with pytest.raises(WorkbookError, match="batches of another kind"):
        model(KINDS).fit((each for each in [(IMAGES, LABELS)]), class_weight={0: 2.0})


@pytest.mark.parametrize("named", [False, True])
def test_examples_without_a_label_are_of_no_class(named):
    """As for balanced weights each class is counted."""
    known, labels = np.arange(24) % 3 > 0, np.where(np.arange(24) % 3 > 0, LABELS, 0)
    given = (labels, known.astype(float))
    given = tuple({"kinds": each} for each in given) if named else given
    found = class_weights.weigh_arrays({"kinds": "balanced"}, [KINDS], *given)
    found = found["kinds"] if named else found
    expected = compute_class_weight("balanced", classes=np.arange(3), y=LABELS[known])
    np.testing.assert_allclose(found, known * expected[labels], rtol=1e-6)


@pytest.mark.parametrize("kind", ["arrays", "dataset"])
def test_labels_without_a_name_are_weighed_for_the_one_task_that_is_trained(kind):
    made = model(KINDS, AGES)
    made.compile("sgd", loss={"kinds": keras.losses.SparseCategoricalCrossentropy(True)})
    asked = {"class_weight": {"kinds": ASKED}, "verbose": 0}
    if kind == "arrays":
        made.fit(IMAGES, LABELS, **asked)
    else:
        made.fit(batches(IMAGES, LABELS), **asked)


def test_where_nothing_counts_balanced_weights_are_one():
    assert class_weights.of_classes("balanced", KINDS, np.array([])).tolist() == [1, 1, 1]
