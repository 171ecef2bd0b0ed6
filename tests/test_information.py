"""Learning from images without labels: against NumPy, SciPy, and a plain tape around Keras."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage
from scipy.special import softmax
from scipy.stats import entropy

from simmim_lib import (
    augmentation,
    datasets,
    experiment,
    information,
    loops,
    losses,
    models,
    training,
)
from simmim_lib.errors import WorkbookError
from simmim_lib.settings import Settings

DIGITS = tuple("0123456789")
UNIFORM = np.full(10, 0.1, np.float32)


@pytest.fixture
def logits():
    return np.random.default_rng(0).normal(size=(3, 50, 10)).astype(np.float32) * 3


def test_with_a_uniform_prior_it_is_the_information_turned_round(logits):
    found = information.lack_of_information(logits, 1.0, UNIFORM)
    expected = np.log(10) - np.array(losses.mutual_information(logits))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_both_halves_by_scipy(logits):
    prior = np.arange(1, 11) / 55
    p = softmax(logits.astype(float), axis=-1)
    unsure = entropy(p, axis=-1).mean(axis=1)
    away = np.array([entropy(own.mean(axis=0), prior) for own in p])
    found = information.lack_of_information(logits, 0.4, prior.astype(np.float32))
    np.testing.assert_allclose(found, unsure + 0.4 * away, atol=1e-5)


def test_the_known_ends_of_the_information():
    sure = 50 * np.eye(10, dtype=np.float32)
    spread_and_sure = information.lack_of_information(sure[None], 1.0, UNIFORM)
    np.testing.assert_allclose(spread_and_sure, 0, atol=1e-5)  # I = log 10, all there is
    same = information.lack_of_information(sure[None, [3] * 10], 1.0, UNIFORM)
    np.testing.assert_allclose(same, np.log(10), atol=1e-5)  # I = 0


def test_only_sure_images_teach_and_the_teacher_learns_nothing(logits):
    strong = np.random.default_rng(1).normal(size=logits.shape).astype(np.float32)
    weak, student = tf.constant(logits), tf.constant(strong)
    with tf.GradientTape() as tape:
        tape.watch([weak, student])
        found = information.disagreement(weak, student, 0.8)
    teacher, log_p = softmax(logits, axis=-1), np.log(softmax(strong, axis=-1))
    sure = teacher.max(axis=-1) > 0.8
    assert 0 < sure.mean() < 1
    expected = np.mean(sure * -np.sum(teacher * log_p, axis=-1), axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    of_weak, of_student = tape.gradient(
        found, [weak, student], unconnected_gradients=tf.UnconnectedGradients.ZERO
    )
    assert not np.any(of_weak)
    assert np.all(np.any(of_student, axis=-1) == sure)


# --- views ---------------------------------------------------------------------------------------


def test_strength_zero_leaves_images_as_they_are():
    images = datasets.load("mnist").test.images[:5]
    maps = augmentation.draw_maps(tf.zeros(5), (0, 1))
    np.testing.assert_allclose(augmentation.affine(images, maps), images, atol=1e-6)


def test_a_view_is_what_scipy_makes_of_its_map():
    images = datasets.load("mnist").test.images[:4]
    maps = augmentation.draw_maps(tf.fill([4], 1.5), (3, 4))
    views = augmentation.affine(images, maps).numpy()
    for image, view, (a, b, right, c, d, down, *_) in zip(images, views, maps.numpy(), strict=True):
        # SciPy counts rows before columns.
        expected = ndimage.affine_transform(
            image[..., 0], [[d, c], [b, a]], (down, right), order=1, mode="grid-constant"
        )
        np.testing.assert_allclose(view[..., 0], expected, atol=1e-4)
        assert np.abs(view - image).max() > 0.1


def test_the_middle_stays_where_it_is_but_for_the_shift():
    """Turning, shearing and stretching are about the middle: over many maps it moves by SHIFT."""
    maps = augmentation.draw_maps(tf.ones(4000), (5, 6)).numpy()
    middle = (datasets.IMAGE_SIZE - 1) / 2
    x = maps[:, 0] * middle + maps[:, 1] * middle + maps[:, 2] - middle
    assert x.mean() == pytest.approx(0, abs=0.1)
    assert x.std() == pytest.approx(augmentation.SHIFT, rel=0.05)


def test_views_are_the_same_for_a_seed_and_a_step():
    maps = [augmentation.draw_maps(tf.ones(3), seed).numpy() for seed in ((1, 2), (1, 2), (1, 3))]
    assert np.array_equal(maps[0], maps[1])
    assert not np.array_equal(maps[0], maps[2])


# --- the loop ------------------------------------------------------------------------------------


def _problem(seeds, steps):
    random = np.random.default_rng(0)
    pool = random.random((60, 28, 28, 1), np.float32)
    labelled = random.random((seeds, 20, 28, 28, 1), np.float32)
    labels = random.integers(10, size=(seeds, 20)).astype(np.int32)
    batches = np.stack([training.draw_batches(20, 8, steps, seed) for seed in range(seeds)])
    unlabelled = np.stack([training.draw_batches(60, 30, steps, seed) for seed in range(seeds)])
    more = training.Unlabelled(pool, unlabelled, UNIFORM)
    return training.Examples(labelled, labels, batches, more)


def _model():
    _, model = models.joint_network((models.Task("one", DIGITS),))
    return model


def _start(model, seeds):
    by_seed = [models.fresh_weights(model, seed) for seed in range(seeds)]
    return [np.stack(weights) for weights in zip(*by_seed, strict=True)]


@pytest.mark.parametrize("agreement", [0.0, 0.7])
def test_the_steps_are_those_of_a_plain_tape(agreement):
    """Gradient descent on the objective, written out anew for one seed."""
    recipe = information.Recipe(
        information=0.5, spread=0.8, agreement=agreement, confidence=0.11, augmentation=1.0, ramp=4
    )
    examples, model, steps = _problem(2, 6), _model(), 6
    *_, trained = training.step_by_step(
        model, _start(model, 2), [examples], None, "sgd", 0.1, recipe=recipe
    )
    plain = models.SimMIM(models.build_trunk(), model.tasks)
    plain.set_weights(models.fresh_weights(model, 1))
    pool, views = examples.unlabelled.images, recipe.kind.views
    for step in range(steps):
        few = examples.features[1][examples.batches[1, step]]
        many = pool[examples.unlabelled.batches[1, step]]
        strengths = np.repeat([1.0, 0.3, 1.5], [8, 30, 30])[: 8 + 30 * views]
        images = np.concatenate([few, *[many] * views])
        maps = augmentation.draw_maps(tf.constant(strengths, tf.float32), (1, step))
        seen = augmentation.affine(images, maps)
        with tf.GradientTape() as tape:
            out = plain(seen)["one"]
            labels = examples.labels[1][examples.batches[1, step]]
            loss = tf.reduce_mean(training.cross_entropy(labels, out[:8]))
            p = tf.nn.softmax(out[8:38])
            mean = tf.reduce_mean(p, axis=0)
            unsure = -tf.reduce_mean(tf.reduce_sum(p * tf.math.log(p), axis=1))
            away = np.log(10) + tf.reduce_sum(mean * tf.math.log(mean))
            extra = 0.5 * (unsure + 0.8 * away)
            if views == 2:
                teacher = tf.stop_gradient(p)
                sure = tf.cast(tf.reduce_max(teacher, axis=1) > 0.11, tf.float32)
                log_strong = tf.nn.log_softmax(out[38:])
                extra -= 0.7 * tf.reduce_mean(sure * tf.reduce_sum(teacher * log_strong, axis=1))
            loss += min(1.0, step / 4) * extra
        slopes = tape.gradient(loss, [each.value for each in plain.trainable_variables])
        for variable, slope in zip(plain.trainable_variables, slopes, strict=True):
            variable.assign_sub(0.1 * slope)
    for one, other in zip(trained, plain.get_weights(), strict=True):
        np.testing.assert_allclose(one[1], other, atol=2e-5)


def test_other_numbers_compile_nothing_anew(monkeypatch):
    examples, model = _problem(2, 3), _model()
    first = information.Recipe(information=0.3, augmentation=1.0)
    list(training.step_by_step(model, _start(model, 2), [examples], recipe=first))
    monkeypatch.setattr(loops, "Loop", None)  # so that a new one cannot be made
    second = information.Recipe(information=1.0, spread=0.0, augmentation=0.5)
    list(training.step_by_step(model, _start(model, 2), [examples], recipe=second))


# --- from settings to results --------------------------------------------------------------------

QUICK = Settings(
    frozen_layers=0,
    labels_per_class=5,
    information=0.3,
    agreement=1.0,
    augmentation=1.0,
    learning_rate=1e-3,
    schedule="cosine",
    steps=100,
    seeds=1,
)


@pytest.mark.slow
def test_unlabelled_images_help():
    plain = QUICK.replace(information=0.0, agreement=0.0, augmentation=0.0)
    results = [experiment.run(each, baseline=False) for each in (plain, QUICK)]
    without, learnt = (result.accuracy["mnist"].mean() for result in results)
    assert learnt > without + 0.05
    assert not results[0].diagnostics
    assert not results[1].diagnostics["mnist"].collapsed.any()


def test_no_labels_at_all_with_a_source_that_knows_the_classes():
    """Glyphs have letters, too: only what the head knows of the ten digits is copied."""
    settings = QUICK.replace(labels_per_class=0)
    before = experiment.run(settings.replace(steps=1), baseline=False).accuracy["mnist"]
    after = experiment.run(settings, baseline=False).accuracy["mnist"]
    assert before.mean() > 0.4  # ten classes
    assert after.mean() > before.mean() + 0.1


@pytest.mark.slow
def test_two_targets_without_labels_share_what_the_source_knows():
    settings = QUICK.replace(
        targets=("mnist", "uci-digits"), labels_per_class=0, shared_heads=True, steps=1
    )
    joint = experiment.run(settings, baseline=False).accuracy
    for alone in settings.separately():
        (target,) = alone.targets
        own = experiment.run(alone, baseline=False).accuracy[target]
        assert joint[target].mean() > 0.3  # guessing: 0.1
        np.testing.assert_allclose(joint[target], own, atol=0.1)  # but for one step


@pytest.mark.slow
def test_without_spread_it_collapses_and_says_so():
    settings = QUICK.replace(
        labels_per_class=1, spread=0.0, information=3.0, agreement=0.0, augmentation=0.0, steps=200
    )
    with pytest.warns(UserWarning, match=r"mnist: collapsed in 1 of 1 seeds \(0\): up to \d\d?%"):
        result = experiment.run(settings, baseline=False)
    found = result.diagnostics["mnist"]
    assert found.collapsed.all()
    assert found.expected_entropy == pytest.approx(np.log(10))


def test_shares_of_classes_decide_what_is_shown():
    shares = (0.5, 0.0, *[0.0625] * 8)
    settings = QUICK.replace(class_shares=shares, seeds=2)
    tasks = experiment.choose_tasks(settings)
    network = experiment.transfer(settings, tasks, None)
    found = experiment._unlabelled(settings, tasks["mnist"], network.features["mnist"], (0, 100))
    shown = tasks["mnist"].data.train.labels[found.batches]
    for seed, choice in enumerate(tasks["mnist"].choices):
        counted = np.bincount(shown[seed].ravel(), minlength=10) / shown[seed].size
        np.testing.assert_allclose(counted, shares, atol=0.015)  # 12,800 draws
        assert np.isin(found.batches[seed], choice.unlabelled).all()
    assert not np.array_equal(*found.batches)


def test_every_second_unlabelled_image_is_a_stranger():
    settings = QUICK.replace(strangers="fashion", seeds=2)
    tasks = experiment.choose_tasks(settings)
    data = experiment.transfer(settings, tasks, None).features["mnist"]
    found = experiment._unlabelled(settings, tasks["mnist"], data, (0, 100))
    own, strangers = len(data.train), datasets.load("fashion").train
    np.testing.assert_array_equal(found.images[own:], strangers.images)
    assert (found.batches[..., ::2] >= own).all()
    assert (found.batches[..., 1::2] < own).all()
    assert len(np.unique(found.batches[..., ::2])) > 0.7 * len(strangers)


def test_a_diagnosis_by_hand():
    even = 20 * np.eye(4)[np.arange(40) % 4]
    lopsided = 20 * np.eye(4)[np.r_[[0] * 38, 1, 2]]
    found = information.diagnose(np.stack([even, lopsided]), np.full(4, 0.25))
    np.testing.assert_allclose(found.largest_share, [0.25, 0.95])
    assert list(found.collapsed) == [False, True]
    assert "collapsed in 1 of 2 seeds (1): up to 95%" in str(found)
    # Where one class is expected that often, it is no collapse.
    expected = information.diagnose(lopsided[None], np.array([0.94, 0.02, 0.02, 0.02]))
    assert not expected.collapsed.any()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"information": -0.1}, "information is -0.1, but must be a finite number of at least 0"),
        ({"agreement": 1.0, "augmentation": 0.0}, "so that they are the same: try augmentation=1"),
        ({"confidence": 1.0}, "confidence is 1.0, but must be a probability below 1: try 0.8"),
        ({"class_prior": (0.5, 0.6)}, "which sums to 1.1: give a share above 0 for each class"),
        ({"ramp": 1.5}, "ramp is 1.5, but is a share of the steps: give at most 1, such as 0.5"),
        ({"class_shares": (1.5, -0.5)}, "give a share of at least 0 for each class"),
        ({"class_shares": (0.5, 0.5)}, "class_shares has 2 shares, but 'mnist' has 10 classes"),
        ({"strangers": "fashoin"}, "Did you mean 'fashion'"),
        ({"class_prior": (0.5, 0.5)}, "class_prior has 2 shares, but 'mnist' has 10 classes"),
        ({"frozen_layers": 2}, "use frozen_layers=0, not 2"),
        ({"labels_per_class": 0, "source": None}, "'mnist' has no labels, and neither a target"),
        ({"labels_per_class": 0, "source": "fashion"}, "nor does the source 'fashion' know its"),
        (
            {"labels_per_class": 0, "information": 0.0, "agreement": 0.0},
            "which learn from them, are 0: try information=0.3",
        ),
        ({"adaptation": "probe"}, "information and augmentation go with 'fine-tune' only"),
    ],
)
def test_bad_settings_get_one_sentence(changes, says):
    with pytest.raises(WorkbookError) as caught:
        experiment.run(QUICK.replace(**changes), baseline=False)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_unlabelled_images_is_told(monkeypatch):
    part = datasets.load("uci-digits").train
    chosen = [np.flatnonzero(part.labels == digit)[:10] for digit in range(10)]
    few = datasets.Part(part.images[np.concatenate(chosen)], part.labels[np.concatenate(chosen)])
    small = datasets.Dataset("uci-digits", "Few", few, few, DIGITS, "made up", "none")
    monkeypatch.setattr(datasets, "load", lambda name: small)
    experiment.features.cache_clear()
    settings = QUICK.replace(targets=("uci-digits",), labels_per_class=8, source=None)
    with pytest.raises(WorkbookError, match="none is left to learn from without its label"):
        experiment.run(settings, baseline=False)
    experiment.features.cache_clear()


def test_frozen_features_serve_the_information_alone():
    """No views are needed for it, so cached features do: quick enough for a slider."""
    settings = QUICK.replace(agreement=0.0, augmentation=0.0, frozen_layers=3, labels_per_class=2)
    plain = settings.replace(information=0.0)
    found = [experiment.run(each.replace(seeds=3), baseline=False) for each in (plain, settings)]
    assert found[1].accuracy["mnist"].mean() > found[0].accuracy["mnist"].mean()
