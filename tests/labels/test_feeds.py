"""What `fit` and `evaluate` make of labels in other forms and of examples without any."""

import pickle

import keras
import numpy as np
import pandas as pd
import pytest
import simmim_worker as small
import tensorflow as tf
from simmim_worker import BATCH, EXAMPLES, KINDS

import simmim_lib
from simmim_lib import losses, simmim
from simmim_lib.errors import WorkbookError

pytestmark = pytest.mark.colab

IMAGES, LABELS = small.data()
# Half of the examples of each task have a label; of another half each time.
KNOWN = {name: (np.arange(EXAMPLES) + place) % 2 == 0 for place, name in enumerate(KINDS)}
WEIGHTS = {name: known.astype(np.float32) for name, known in KNOWN.items()}


def spoilt(filler):
    """Labels with a filler in the place of those that are not known."""
    whole = {"digits": LABELS["digits"].astype(float), "marks": LABELS["marks"]}
    whole["size"] = LABELS["size"]
    return {
        name: np.where(KNOWN[name].reshape(-1, *[1] * (given.ndim - 1)), given, filler)
        for name, given in whole.items()
    }


def model_of(**options):
    """Step by step, since what is tested is what reaches the steps; a graph would take seconds."""
    return small.joint_model(run_eagerly=True, **options)


def batches(*parts):
    return tf.data.Dataset.from_tensor_slices(parts).batch(BATCH)


def generator(*parts):
    yield from batches(*parts)


class Loaded(keras.utils.PyDataset):
    """Batches of NumPy arrays."""

    def __init__(self, *parts, **options):
        super().__init__(**options)
        self.batches = [*batches(*parts).as_numpy_iterator()]
        self.epochs = []

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]

    def on_epoch_begin(self):
        self.epochs.append("begin")

    def on_epoch_end(self):
        self.epochs.append("end")


class Tensor:
    """As PyTorch has them: no array before it is detached from what it was computed with."""

    def __init__(self, values):
        self.values = values

    def detach(self):
        return self

    def cpu(self):
        return self.values


class DataLoader:
    """What Keras and we know a loader of PyTorch's by; its batches are lists."""

    __module__ = "torch.utils.data.dataloader"

    def __init__(self, *parts):
        self.batches = [*batches(*parts).as_numpy_iterator()]

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        for batch in self.batches:
            yield [{name: Tensor(each) for name, each in part.items()} for part in batch]


class Endless(DataLoader):
    """One that does not know how many batches it has."""

    __module__ = DataLoader.__module__

    def __len__(self):
        raise TypeError


WAYS = {
    "arrays": lambda *parts: parts,
    "dataset": lambda *parts: (batches(*parts),),
    "generator": lambda *parts: (generator(*parts),),
    "PyDataset": lambda *parts: (Loaded(*parts),),
    "DataLoader": lambda *parts: (DataLoader(*parts),),
}
WORKERS = {
    "threads": lambda *parts: (Loaded(*parts, workers=2),),
    "processes": lambda *parts: (Loaded(*parts, workers=1, use_multiprocessing=True),),
    "endless": lambda *parts: (Endless(*parts),),
}
"""Others that bring batches as one of the above does."""

ALL_WAYS = WAYS | WORKERS


def numbers(model):
    return np.concatenate([weight.ravel() for weight in model.get_weights()])


def fitted(images, labels=None, weights=None):
    model = model_of()
    options = {} if labels is None else {"batch_size": BATCH, "sample_weight": weights}
    model.fit(images, labels, shuffle=False, verbose=0, **options)
    return numbers(model)


@pytest.fixture(scope="module")
def expected():
    """Weights after training, and what is measured, where 0 stands for what is not known."""
    model = model_of()
    zeros = spoilt(0.0)
    measured = model.evaluate(
        IMAGES, zeros, BATCH, sample_weight=WEIGHTS, verbose=0, return_dict=True
    )
    return fitted(IMAGES, zeros, WEIGHTS), measured


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "filler"),
    [*(("arrays", filler) for filler in (np.nan, -1.0, 255.0, np.inf)),
     ("dataset", np.nan), ("dataset", -1.0),
     *((way, np.nan) for way in ALL_WAYS if way not in ("arrays", "dataset"))],
)  # fmt: skip
def test_whatever_stands_for_a_label_of_weight_0_is_harmless(expected, way, filler):
    given = (IMAGES, spoilt(filler), WEIGHTS)
    np.testing.assert_allclose(fitted(*ALL_WAYS[way](*given)), expected[0], atol=1e-6)


@pytest.mark.slow
def test_it_is_harmless_in_a_compiled_step(expected):
    model = small.joint_model()
    model.fit(batches(IMAGES, spoilt(np.nan), WEIGHTS), shuffle=False, verbose=0)
    np.testing.assert_allclose(numbers(model), expected[0], atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("filler", [np.nan, -1.0])
def test_metrics_are_those_of_the_known_labels(expected, filler):
    """Also a user's own metrics, which Keras would count for all."""
    mae = {"size": ["mean_absolute_error"]}
    model, labels = model_of(metrics=mae), spoilt(filler)
    found = model.evaluate(
        IMAGES, labels, BATCH, sample_weight=WEIGHTS, verbose=0, return_dict=True
    )
    for name in ("loss", "size_mean_absolute_error"):
        assert found[name] == pytest.approx(expected[1][name], rel=1e-5)
    known = {name: given[KNOWN[name]] for name, given in LABELS.items()}
    half = model_of(metrics=mae).evaluate(
        {name: IMAGES[name][KNOWN[name]] for name in KINDS}, known, verbose=0, return_dict=True
    )
    assert found["size_mean_absolute_error"] == pytest.approx(half["size_mean_absolute_error"])


@pytest.mark.slow
def test_one_batch_and_validation_data_are_prepared_too(expected):
    labels = spoilt(np.nan)
    model = model_of()
    found = model.test_on_batch(IMAGES, labels, WEIGHTS, return_dict=True)
    assert np.isfinite(found["loss"])
    model.train_on_batch(IMAGES, labels, WEIGHTS)
    assert np.isfinite(numbers(model)).all()
    for validation in ((IMAGES, labels, WEIGHTS), batches(IMAGES, labels, WEIGHTS)):
        history = model_of().fit(
            IMAGES, labels, BATCH, sample_weight=WEIGHTS, validation_data=validation, verbose=0
        )
        assert np.isfinite(history.history["val_loss"]).all()


def test_keras_s_own_step_is_harmless_too():
    """As `fit_on_workers` takes it, without `fit`."""
    model = model_of()
    model.train_step((IMAGES, {n: tf.constant(v) for n, v in spoilt(np.nan).items()}, WEIGHTS))
    assert np.isfinite(numbers(model)).all()


def test_workers_take_labels_as_fit_does():
    with pytest.raises(WorkbookError, match=r"are missing .NaN. for"):
        simmim.fit_on_workers(model_of(), batches(IMAGES, spoilt(np.nan)))
    named = {**spoilt(np.nan), "digits": np.array(small.CLASSES)[LABELS["digits"]]}
    simmim.fit_on_workers(model_of(), batches(IMAGES, named, WEIGHTS))
    (history,) = simmim.fit_on_workers(model_of(), batches(IMAGES, spoilt(np.nan), WEIGHTS))
    assert np.isfinite([*history.values()]).all()
    with pytest.raises(WorkbookError, match="has no batch to train on in this epoch"):
        simmim.fit_on_workers(model_of(), batches(IMAGES, named, WEIGHTS).take(0))


@pytest.mark.parametrize("name", ["CrossEntropy", "FocalLoss", "ExpectedAccuracy"])
def test_a_loss_of_ours_is_harmless_in_any_model(name):
    loss, logits = getattr(losses, name)(), np.random.default_rng(0).normal(size=(4, 3))
    weights = np.array([1.0, 0.0, 2.0, 0.0])
    found = [
        float(loss(np.array([0.0, filler, 2.0, filler]), logits, weights))
        for filler in (1, -1, 255, np.nan)
    ]
    np.testing.assert_allclose(found, found[0], rtol=1e-6)


FORMS = {
    "names": {"digits": np.array(small.CLASSES)[LABELS["digits"]]},
    "one-hot, truth": {
        "digits": np.eye(3)[LABELS["digits"]],
        "marks": LABELS["marks"].astype(bool),
    },
    "floats, no column": {
        "digits": LABELS["digits"].astype(float),
        "size": LABELS["size"][:, 0].astype(np.float64),
    },
    "a column": {"digits": LABELS["digits"][:, None]},
}
"""Of one task or of two, each by itself in what is made of it."""


@pytest.fixture(scope="module")
def learnt():
    return fitted(IMAGES, LABELS)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_labels_in_other_forms_are_learnt_the_same(learnt, way):
    for form, changed in FORMS.items():
        found = fitted(*WAYS[way](IMAGES, {**LABELS, **changed}))
        np.testing.assert_allclose(found, learnt, atol=1e-6, err_msg=form)


@pytest.mark.slow
def test_the_one_task_of_a_model_needs_no_name():
    model = simmim_lib.SimMIM(small.trunk(), small.tasks()[:1])
    model.compile("sgd", run_eagerly=True)
    expected = model.evaluate(IMAGES["digits"], LABELS["digits"], verbose=0)
    for given in (LABELS["digits"].tolist(), *(each["digits"] for each in FORMS.values())):
        assert model.evaluate(IMAGES["digits"], given, verbose=0) == pytest.approx(expected)
        found = model.evaluate(batches(IMAGES["digits"], given), verbose=0)
        assert found == pytest.approx(expected)


def test_a_loss_of_one_s_own_gets_its_own_labels():
    """Shares of several classes, which the usual loss does not take."""
    model = simmim_lib.SimMIM(small.trunk(), small.tasks()[:1])
    model.compile(
        "sgd", loss=keras.losses.CategoricalCrossentropy(True), metrics=[], run_eagerly=True
    )
    shares = np.full((EXAMPLES, 3), 1 / 3)
    logits = model.predict(IMAGES["digits"], verbose=0)["digits"]
    expected = np.mean(np.log(np.exp(logits).sum(axis=1)) - logits.mean(axis=1))
    for data in ((IMAGES["digits"], shares), (batches(IMAGES["digits"], shares),)):
        found = model.evaluate(*data, verbose=0, return_dict=True)["loss"]
        assert found == pytest.approx(expected, rel=1e-5)
    with pytest.raises(WorkbookError, match="labels of task 'digits' are missing"):
        model.fit(IMAGES["digits"], np.full((EXAMPLES, 3), np.nan), verbose=0)


@pytest.mark.parametrize("loss", ["categorical_crossentropy", {"digits": "kl_divergence"}])
def test_the_usual_metric_takes_the_labels_of_a_loss_of_one_s_own(loss):
    """One-hot rows, some of which do not count."""
    model = simmim_lib.SimMIM(small.trunk(), small.tasks()[:1])
    model.compile("sgd", loss=loss, run_eagerly=True)
    rows, known = np.eye(3)[LABELS["digits"]], KNOWN["digits"]
    rows[~known] = np.nan
    found = model.evaluate(
        IMAGES["digits"], rows, sample_weight=WEIGHTS["digits"], verbose=0, return_dict=True
    )
    predicted = model.predict(IMAGES["digits"], verbose=0)["digits"].argmax(axis=1)
    assert found["accuracy"] == pytest.approx(np.mean((predicted == LABELS["digits"])[known]))


REFUSED = {
    "NaN": ({"size": np.full((EXAMPLES, 1), np.nan)}, "labels of task 'size' are missing"),
    "from 1": ({"digits": LABELS["digits"] + 1}, "labels of task 'digits' are 1, 2, 3"),
    "a mark of 2": ({"marks": 2 * LABELS["marks"]}, "labels of task 'marks' are 0, 2"),
    "an NA": (
        {"digits": pd.array([*LABELS["digits"][1:], None], dtype="Int64")},
        "labels of task 'digits' are missing",
    ),
    "a name": ({"digits": np.repeat("four", EXAMPLES)}, "label of task 'digits' 'four'"),
}


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("way", WAYS)
def test_what_cannot_be_meant_gets_one_sentence(way, what):
    changed, words = REFUSED[what]
    model = model_of()
    for method in (model.fit, model.evaluate):
        with pytest.raises(WorkbookError, match=words):
            method(*WAYS[way](IMAGES, {**LABELS, **changed})[:2], verbose=0)
    if way == "arrays":  # nothing was built for it
        assert model.train_function is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "eager"), [*((way, True) for way in ALL_WAYS), ("dataset", False), ("processes", False)]
)
def test_it_is_said_of_a_late_batch_too(way, eager):
    """When the step is compiled, and processes are at work."""
    bad = {**LABELS, "digits": np.where(np.arange(EXAMPLES) < 2 * BATCH, LABELS["digits"], 7)}
    model = small.joint_model(run_eagerly=eager)
    with pytest.raises(WorkbookError, match=r"^The labels of task 'digits' are .*7, but must"):
        model.fit(*ALL_WAYS[way](IMAGES, bad), verbose=0)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["PyDataset", "threads", "DataLoader"])
def test_batches_that_others_bring_come_anew_in_each_epoch(way):
    (x,) = ALL_WAYS[way](IMAGES, LABELS)
    model = model_of()
    model.fit(x, epochs=2, shuffle=False, validation_data=x, verbose=0)
    expected = model_of()
    expected.fit(IMAGES, LABELS, BATCH, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(numbers(model), numbers(expected), atol=1e-6)
    if way != "DataLoader":
        assert x.epochs.count("begin") == 4 and x.epochs[-1] == "end"


def test_a_prepared_py_dataset_goes_to_processes_that_are_not_forked():
    given = Loaded(IMAGES, {**LABELS, "digits": LABELS["digits"][:, None]})
    copy = pickle.loads(pickle.dumps(model_of()._feed().data(given, None, None)[0]))
    assert copy[0][1]["digits"].shape == (BATCH,)


def test_what_is_given_by_its_place_is_prepared_too():
    """As Keras has it: batch size, epochs, verbosity, callbacks, split, validation and so on."""
    bad, model = {**LABELS, **REFUSED["from 1"][0]}, model_of()
    with pytest.raises(WorkbookError, match=REFUSED["from 1"][1]):
        model.fit(IMAGES, LABELS, BATCH, 1, 0, None, 0.0, (IMAGES, bad))
    with pytest.raises(WorkbookError, match=r"sample_weight of task 'digits' is .*finite"):
        weights = {"digits": np.full(EXAMPLES, np.nan)}
        model.fit(IMAGES, LABELS, BATCH, 1, 0, None, 0.0, None, False, None, weights)
    with pytest.raises(WorkbookError, match="Unknown task with classes 'digit'"):
        model.fit(IMAGES, LABELS, BATCH, 1, 0, None, 0.0, None, False, {"digit": {0: 1.0}})


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"digits": np.full(EXAMPLES, np.nan)}, "sample_weight of task 'digits' is .*finite"),
        ({"marks": np.ones((EXAMPLES, 2))}, "sample_weight of task 'marks' is .*each of its 24"),
        ({"digits": np.ones(3)}, "each of its 24 examples"),
        ({"digits": -np.ones(EXAMPLES)}, "of at least 0 for each"),
        ({"digits": 2.0}, "each of its 24 examples"),
        ({"digits": [None] * EXAMPLES}, "must be a finite number"),
        ({"size": np.full(EXAMPLES, np.inf)}, "must be a finite number"),
        ({"digits": ["a"] * EXAMPLES}, "sample_weight of task 'digits'"),
        ({"digit": np.ones(EXAMPLES)}, "Unknown task 'digit'. Did you mean 'digits'"),
    ],
)
def test_weights_that_cannot_be_meant_get_one_sentence(weights, words):
    with pytest.raises(WorkbookError, match=words):
        model_of().fit(IMAGES, LABELS, sample_weight=weights, verbose=0)


@pytest.mark.parametrize("number", [0, 5, EXAMPLES + 1])
def test_as_many_labels_as_images_are_needed(number):
    bad = {**LABELS, "digits": np.zeros(number, int)}
    model = model_of()
    words = rf"Task 'digits' has 24 images, but {number} labels"
    for method in (model.fit, model.evaluate):
        with pytest.raises(WorkbookError, match=words):
            method(IMAGES, bad, verbose=0)
    with pytest.raises(WorkbookError, match=words):
        model.fit(IMAGES, LABELS, validation_data=(IMAGES, bad), verbose=0)


def test_labels_without_names_are_refused():
    with pytest.raises(WorkbookError, match="without the names of their tasks"):
        model_of().fit(IMAGES, LABELS["digits"], verbose=0)
    with pytest.raises(WorkbookError, match="no batches in this dataset"):
        model_of().fit(tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)), verbose=0)


@pytest.mark.slow
def test_weights_of_one_task_leave_the_others_at_1():
    expected = fitted(
        IMAGES, LABELS, {**dict.fromkeys(KINDS, np.ones(EXAMPLES)), "size": WEIGHTS["size"]}
    )
    found = [fitted(*WAYS[way](IMAGES, LABELS, {"size": WEIGHTS["size"]})) for way in WAYS]
    for each in found:
        np.testing.assert_allclose(each, expected, atol=1e-6)
