"""Optimizers compared: against Keras alone, on a slice of the loss, and as a panel."""

import keras
import numpy as np
import pytest
from widget_driver import choose, find, follow, send

from simmim_lib import datasets, experiments, training, trunks
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.lessons.simmim_model import optimizer_figures, optimizer_panels, optimizers
from simmim_lib.settings import OPTIMIZERS, SCHEDULES, Settings

STEPS, SEED = 12, 1
QUICK = optimizers.Setup(labels_per_class=5, steps=STEPS, seeds=2, learning_rate=0.003)


@pytest.fixture(scope="module")
def compared():
    return optimizers.compare(QUICK)


def images_of(seed):
    """Return the setup's training images of a seed, made to features by a whole Keras network."""
    data = datasets.load("mnist")
    chosen = datasets.choose(data, QUICK.labels_per_class, seed).labelled
    front = keras.Sequential(pretrained("glyphs").as_model().layers[:3])
    features = keras.ops.convert_to_numpy(front(data.train.images[chosen]))
    return features.reshape(len(chosen), -1), data.train.labels[chosen]


def plain_network(seed):
    """Return the trained layers as a Keras model: the source's dense layer and a new head."""
    back = trunks.classifier(10, optimizers.FROZEN_LAYERS)
    copied = pretrained("glyphs").trunk_weights[-2:]
    network = keras.Sequential(
        [keras.Input((1024,)), keras.layers.Dense(128, "relu"), keras.layers.Dense(10)]
    )
    network.set_weights([*copied, *trunks.fresh_weights(back, seed)[2:]])
    network.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return network


KERAS = {
    "sgd": lambda rate: keras.optimizers.SGD(rate),
    "momentum": lambda rate: keras.optimizers.SGD(rate, momentum=0.9),
    "adam": lambda rate: keras.optimizers.Adam(rate),
    "adamw": lambda rate: keras.optimizers.AdamW(rate, weight_decay=0.004),
    "rmsprop": lambda rate: keras.optimizers.RMSprop(rate),
}


@pytest.mark.colab
@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, SEED])
@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
def test_the_losses_on_the_way_are_those_of_keras(compared, optimizer, seed):
    """Looks after 5, 10 and 12 steps, against `train_on_batch` of a model of Keras's own."""
    features, labels = images_of(seed)
    network = plain_network(seed)
    network.compile(KERAS[optimizer](0.003), network.loss)
    losses = [network.evaluate(features, labels, verbose=0)]
    batches = training.draw_batches(len(labels), 32, STEPS, seed)
    for step, batch in enumerate(batches, start=1):
        network.train_on_batch(features[batch], labels[batch])
        if step in (5, 10, 12):
            losses.append(network.evaluate(features, labels, verbose=0))
    row = QUICK.optimizers.index(optimizer)
    assert compared.steps.tolist() == [0, 5, 10, 12]
    np.testing.assert_allclose(compared.loss[row, seed], losses, rtol=2e-3)


@pytest.mark.slow
def test_all_start_at_the_same_place_with_the_same_accuracy(compared):
    assert np.ptp(compared.loss[:, :, 0], axis=0).max() == 0
    assert np.ptp(compared.accuracy[:, :, 0], axis=0).max() == 0
    assert np.all(compared.plane.paths[:, 0] == 0)


@pytest.mark.slow
def test_the_loss_of_the_slice_is_that_of_keras_at_the_same_weights(compared):
    features, labels = images_of(0)
    network, plane = plain_network(0), compared.plane
    np.testing.assert_allclose(plane.directions @ plane.directions.T, np.eye(2), atol=1e-5)
    for row, column in ((0, 0), (7, 16), (20, 3)):
        point = plane.horizontal[column], plane.vertical[row]
        flat = plane.origin + point[0] * plane.directions[0] + point[1] * plane.directions[1]
        shapes = [weight.shape for weight in network.get_weights()]
        parts = np.split(flat, np.cumsum([np.prod(shape) for shape in shapes])[:-1].astype(int))
        network.set_weights([p.reshape(shape) for p, shape in zip(parts, shapes, strict=True)])
        value = network.evaluate(features, labels, verbose=0)
        assert plane.losses[row, column] == pytest.approx(value, rel=1e-3)


@pytest.mark.slow
def test_the_window_holds_all_paths_that_lead_down(compared):
    x, y = compared.plane.paths[compared.loss[:, 0] <= compared.loss[:, 0, :1]].T
    assert compared.plane.horizontal[0] < x.min() and x.max() < compared.plane.horizontal[-1]
    assert compared.plane.vertical[0] < y.min() and y.max() < compared.plane.vertical[-1]


@pytest.mark.slow
def test_an_optimizer_that_diverges_does_not_stop_the_others():
    setup = optimizers.Setup(
        optimizers=("sgd", "adam"), labels_per_class=5, steps=10, learning_rate=1e9
    )
    found = optimizers.compare(setup)
    assert not np.all(np.isfinite(found.loss[0]))
    assert np.all(np.isfinite(found.plane.losses))
    picture = optimizer_figures.comparison(found)
    assert "none: diverged" in picture.alt and "nan" not in picture.alt
    assert len(picture.png()) > 5000


@pytest.mark.slow
def test_progress_comes_to_its_end_and_can_end_the_comparison():
    told = []
    optimizers.compare(QUICK, lambda done, total: told.append(done / total))
    assert told == sorted(told) and told[-1] == 1

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        optimizers.compare(QUICK, stop)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"optimizers": ()}, "choose at least one of sgd, momentum"),
        ({"optimizers": "adam"}, "like \\('sgd', 'adam'\\)"),
        ({"optimizers": ("adam", "adam")}, "each at most once"),
        ({"optimizers": ("adm",)}, "Did you mean 'adam'"),
        ({"learning_rate": 0}, "learning_rate is 0, but must be a finite number above 0"),
        ({"schedule": "cosin"}, "Did you mean 'cosine'"),
        ({"steps": 0}, "steps is 0"),
        ({"seeds": 1.5}, "seeds is 1.5"),
    ],
)
def test_bad_setups_are_refused(given, says):
    with pytest.raises(WorkbookError, match=says):
        optimizers.Setup(**given)


def test_too_many_labels_and_unknown_rates_are_refused():
    with pytest.raises(WorkbookError, match="labels"):
        optimizers.compare(optimizers.Setup(labels_per_class=5000))
    with pytest.raises(WorkbookError, match="0 of the 105 experiments of 'optimizers'"):
        optimizers.accuracies("adam", 0.02)
    with pytest.raises(WorkbookError, match="Unknown baseline"):
        optimizers.verdicts(baseline="sdg")


@pytest.mark.slow
def test_the_best_rates_are_the_best_on_validation():
    for schedule in SCHEDULES:
        for name in OPTIMIZERS:
            best = optimizers.best_rate(name, schedule)
            assert (
                optimizers.RATES[0] < best < optimizers.RATES[-1]
            )  # or the grid would be too narrow
            means = [
                optimizers.accuracies(name, rate, schedule, "validation").mean()
                for rate in optimizers.RATES
            ]
            assert optimizers.RATES.index(best) == int(np.argmax(means))


@pytest.mark.slow
def test_a_comparison_ends_where_the_experiment_does(compared):
    """Against `experiments.run`, which goes its own way from settings to accuracies."""
    setup = optimizers.Setup(
        optimizers=("momentum",), learning_rate=0.01, schedule="cosine", seeds=2
    )
    last = optimizers.compare(setup).accuracy[0, :, -1]
    settings = Settings(
        source="glyphs",
        targets=("mnist",),
        frozen_layers=optimizers.FROZEN_LAYERS,
        labels_per_class=setup.labels_per_class,
        optimizer="momentum",
        learning_rate=0.01,
        schedule="cosine",
        steps=setup.steps,
        seeds=2,
    )
    *_, course = experiments.follow(settings)
    np.testing.assert_allclose(last, course.validation["mnist"][-1], atol=0.011)


@pytest.mark.slow
def test_the_verdicts_are_those_of_scipy():
    from scipy.stats import ttest_rel

    for rate in (None, 0.001):
        for name, found in optimizers.verdicts(rate).items():
            ours, sgd = (
                optimizers.accuracies(each, rate or optimizers.best_rate(each))
                for each in (name, "sgd")
            )
            low, high = ttest_rel(100 * ours, 100 * sgd).confidence_interval(0.95)
            assert found.mean - found.half_width == pytest.approx(low)
            assert found.mean + found.half_width == pytest.approx(high)


@pytest.mark.slow
def test_the_pictures_are_labelled_and_tell_their_numbers(compared):
    for picture in (optimizer_figures.comparison(compared), optimizer_figures.claim()):
        labelled = [axes for axes in picture.figure.axes if axes.axison]
        assert len(labelled) == 2
        assert all(axes.get_xlabel() and axes.get_title(loc="left") for axes in labelled)
        assert "nan" not in picture.alt
    alt = optimizer_figures.comparison(compared).alt
    for title, loss in zip(optimizer_figures.TITLES.values(), compared.loss[:, :, -1], strict=True):
        assert f"{title} at learning rate 0.003: final loss {np.median(loss):.2g}" in alt
    found = optimizers.verdicts()["adam"]
    assert f"Against SGD, each at its best: momentum {optimizers.verdicts()['momentum']}" in (
        optimizer_figures.claim().alt
    )
    assert f"Adam {found}" in optimizer_figures.claim().alt


# --- the panel


@pytest.mark.colab
@pytest.mark.slow
def test_the_panel_follows_every_control():
    panel = optimizer_panels.comparison(QUICK)
    says = follow(panel, lambda: choose(find(panel.view, "Learning rate"), "each one's best"))
    assert "SGD at learning rate 0.1:" in says and "Adam at learning rate 0.003:" in says
    says = follow(panel, lambda: choose(find(panel.view, "Learning rate"), "0.01 for all"))
    assert "SGD at learning rate 0.01:" in says and "Adam at learning rate 0.01:" in says
    says = follow(panel, lambda: choose(find(panel.view, "Schedule"), "warm-up"))
    assert "schedule warm-up" in says
    for name in ("SGD", "AdamW", "RMSProp", "momentum"):
        says = follow(panel, lambda name=name: send(find(panel.view, name), value=False))
        assert f"{name} at" not in says
    assert "Adam at learning rate" in says
    says = follow(panel, lambda: choose(find(panel.view, "Seeds"), "1"))
    assert "1 seed." in says
    assert "Adam at learning rate" in says


@pytest.mark.slow
def test_a_panel_without_any_optimizer_says_what_to_do():
    panel = optimizer_panels.comparison(
        optimizers.Setup(optimizers=("sgd",), labels_per_class=5, steps=5, seeds=1)
    )
    send(find(panel.view, "SGD"), value=False)
    panel.wait()
    assert "choose at least one of sgd" in panel.message.value
    follow(panel, lambda: send(find(panel.view, "SGD"), value=True))


@pytest.mark.colab
@pytest.mark.slow
def test_a_panel_on_a_phone_and_its_static_twin(compared):
    data, metadata = optimizer_panels.comparison(QUICK)._output()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"]
    panel = optimizer_panels.comparison(QUICK)
    follow(panel, lambda: choose(find(panel.view, "Schedule"), "warm-up"))
    data, metadata = panel._output()
    assert data["image/png"] and "Adam at learning rate" in metadata["image/png"]["alt"]
    assert all(control.layout.width for control in panel.controls.values())


@pytest.mark.slow
def test_copied_settings_repeat_the_comparison():
    panel = optimizer_panels.comparison(QUICK)
    line = panel.as_code({**panel.values, "sgd": False, "learning_rate": None})
    compared = eval(line, {"optimizers": optimizers})  # as lesson 03 imports it
    assert compared.setup == optimizers.Setup(
        optimizers=("momentum", "adam", "adamw", "rmsprop"), labels_per_class=5, steps=12, seeds=2
    )
