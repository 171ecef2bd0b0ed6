"""Learning from images without labels: against NumPy, SciPy, and a plain tape around Keras."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from rehearsal import stages
from scipy.special import softmax
from scipy.stats import entropy

import simmim_lib
from simmim_lib import augmentation, datasets, experiments, information, losses, training, trunks
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments.network import build_architecture
from simmim_lib.settings import Settings
from simmim_lib.training import compiled, objective

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


def test_an_image_must_be_surer_than_the_confidence():
    undecided, strong = tf.zeros((1, 1, 2)), tf.constant([[[1.0, -1.0]]])
    assert float(information.disagreement(undecided, strong, 0.5)[0]) == 0
    expected = np.mean([np.log1p(np.exp(-2)), np.log1p(np.exp(2))])
    found = information.disagreement(undecided, strong, 0.49)
    np.testing.assert_allclose(found, [expected], rtol=1e-6)


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
    model = build_architecture((simmim_lib.Task("one", DIGITS),)).model
    return model


def _start(model, seeds):
    by_seed = [trunks.fresh_weights(model, seed) for seed in range(seeds)]
    return [np.stack(weights) for weights in zip(*by_seed, strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize("agreement", [0.0, 0.7])
def test_the_steps_are_those_of_a_plain_tape(agreement):
    """Gradient descent on the objective, written out anew for one seed."""
    recipe = information.Recipe(
        information=0.5, spread=0.8, agreement=agreement, confidence=0.11, augmentation=1.0, ramp=4
    )
    examples, model, steps = _problem(2, 6), _model(), 6
    options = training.Options(optimizer="sgd", learning_rate=0.1, recipe=recipe)
    trained = training.train(model, _start(model, 2), [examples], options)
    plain = simmim_lib.SimMIM(trunks.build_trunk(), model.tasks)
    plain.set_weights(trunks.fresh_weights(model, 1))
    pool, views = examples.unlabelled.features, recipe.kind.views_per_image
    for step in range(steps):
        few = examples.features[1][examples.batches[1, step]]
        many = pool[examples.unlabelled.batches[1, step]]
        strengths = np.repeat([1.0, 0.3, 1.5], [8, 30, 30])[: 8 + 30 * views]
        images = np.concatenate([few, *[many] * views])
        maps = augmentation.draw_maps(tf.constant(strengths, tf.float32), (1, step), (28, 28))
        seen = augmentation.affine(images, maps)
        with tf.GradientTape() as tape:
            out = plain(seen)["one"]
            labels = examples.labels[1][examples.batches[1, step]]
            loss = tf.reduce_mean(objective.cross_entropy(labels, out[:8]))
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


@pytest.mark.slow
def test_other_numbers_compile_nothing_anew(monkeypatch):
    examples, model = _problem(2, 3), _model()
    first = information.Recipe(information=0.3, augmentation=1.0)
    training.train(model, _start(model, 2), [examples], training.Options(recipe=first))
    monkeypatch.setattr(compiled, "Loop", None)  # so that a new one cannot be made
    second = information.Recipe(information=1.0, spread=0.0, augmentation=0.5)
    training.train(model, _start(model, 2), [examples], training.Options(recipe=second))


@pytest.mark.slow
def test_the_numbers_of_one_run_do_not_reach_the_next():
    examples, model = _problem(2, 3), _model()

    def last(**numbers):
        recipe = information.Recipe(augmentation=1.0, ramp=1, **numbers)
        options = training.Options(optimizer="sgd", learning_rate=0.1, recipe=recipe)
        return training.train(model, _start(model, 2), [examples], options)

    first, other, again = last(information=0.3), last(information=3.0), last(information=0.3)
    assert any(np.abs(one - two).max() > 1e-4 for one, two in zip(first, other, strict=True))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)


def test_looks_between_steps_change_nothing():
    """Ramp and views go on where the call before stopped."""
    recipe = information.Recipe(information=0.5, augmentation=1.0, ramp=6)
    model, examples, by_call = _model(), _problem(2, 6), []
    for steps in (6, 2):
        options = training.Options(
            optimizer="sgd", learning_rate=0.1, recipe=recipe, steps_per_call=steps
        )
        by_call.append(training.train(model, _start(model, 2), [examples], options))
    for one, other in zip(*by_call, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


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
    results = [experiments.run(each, baseline=False) for each in (plain, QUICK)]
    without, learnt = (result.accuracy["mnist"].mean() for result in results)
    assert learnt > without + 0.05
    assert not results[0].diagnostics
    assert not results[1].diagnostics["mnist"].collapsed.any()


@pytest.mark.slow
def test_no_labels_at_all_with_a_source_that_knows_the_classes():
    """Glyphs have letters, too: only what the head knows of the ten digits is copied."""
    settings = QUICK.replace(labels_per_class=0)
    before = experiments.run(settings.replace(steps=1), baseline=False).accuracy["mnist"]
    after = experiments.run(settings, baseline=False).accuracy["mnist"]
    assert before.mean() > 0.4  # ten classes
    assert after.mean() > before.mean() + 0.1


@pytest.mark.slow
def test_two_targets_without_labels_share_what_the_source_knows():
    settings = QUICK.replace(
        targets=("mnist", "uci-digits"), labels_per_class=0, shared_heads=True, steps=1
    )
    joint = experiments.run(settings, baseline=False).accuracy
    for alone in settings.separately():
        (target,) = alone.targets
        own = experiments.run(alone, baseline=False).accuracy[target]
        assert joint[target].mean() > 0.3  # guessing: 0.1
        np.testing.assert_allclose(joint[target], own, atol=0.1)  # but for one step


@pytest.mark.slow
def test_without_spread_it_collapses_and_says_so():
    settings = QUICK.replace(
        labels_per_class=1, spread=0.0, information=3.0, agreement=0.0, augmentation=0.0, steps=200
    )
    with pytest.warns(UserWarning, match=r"mnist: collapsed in 1 of 1 seeds \(0\): up to \d\d?%"):
        result = experiments.run(settings, baseline=False)
    found = result.diagnostics["mnist"]
    assert found.collapsed.all()
    assert found.expected_entropy == pytest.approx(np.log(10))


def test_each_seed_learns_from_its_own_unlabelled_images_in_its_own_batches():
    settings = QUICK.replace(seeds=2, steps=300)
    (stage,) = stages(settings)
    (choices,) = (task.choices for task in experiments.choose_tasks(settings).values())
    found = stage.examples[0].unlabelled
    np.testing.assert_array_equal(found.features, datasets.load("mnist").train.images)
    for seed, choice in enumerate(choices):
        own = choice.unlabelled
        assert not np.isin(own, [*choice.labelled, *choice.validation]).any()
        expected = own[training.draw_batches(len(own), 128, 300, seed)]
        np.testing.assert_array_equal(found.batches[seed], expected)


def test_the_recipe_is_what_the_settings_ask_for():
    (stage,) = stages(QUICK.replace(spread=0.7, agreement=0.6, confidence=0.9, augmentation=0.4))
    assert stage.options.recipe == information.Recipe(
        information=0.3, spread=0.7, agreement=0.6, confidence=0.9, augmentation=0.4, ramp=50
    )


def test_what_is_not_asked_for_is_as_in_the_settings():
    usual, recipe = Settings(recipe="fine-tune"), information.Recipe()
    for name in ("information", "spread", "agreement", "confidence", "augmentation"):
        assert getattr(recipe, name) == getattr(usual, name)


@pytest.mark.parametrize(
    ("ramp", "steps", "grows"),
    [(0.5, 300, 150), (0.25, 40, 10), (1.0, 40, 40), (0.0, 300, 1), (0.36, 10, 4), (0.34, 10, 3)],
)
def test_the_ramp_is_a_share_of_the_steps(ramp, steps, grows):
    (stage,) = stages(QUICK.replace(ramp=ramp, steps=steps))
    assert stage.options.recipe.ramp == grows


def test_the_prior_is_uniform_unless_it_is_given():
    given = (0.55, *[0.05] * 9)
    for settings, expected in ((QUICK, UNIFORM), (QUICK.replace(class_prior=given), given)):
        (stage,) = stages(settings)
        np.testing.assert_allclose(stage.examples[0].unlabelled.prior, expected)


SHARES = (0.5, 0.0, *[0.0625] * 8)


def test_shares_of_classes_decide_what_is_shown():
    settings = QUICK.replace(class_shares=SHARES, seeds=2)
    choices = experiments.choose_tasks(settings)["mnist"].choices
    (stage,) = stages(settings)
    found = stage.examples[0].unlabelled
    shown = datasets.load("mnist").train.labels[found.batches]
    for seed, choice in enumerate(choices):
        counted = np.bincount(shown[seed].ravel(), minlength=10) / shown[seed].size
        np.testing.assert_allclose(counted, SHARES, atol=0.015)  # 12,800 draws
        assert np.isin(found.batches[seed], choice.unlabelled).all()
    # Each seed by chances of its own: where one draws an early image, the other need not.
    ranks = [
        np.searchsorted(choice.unlabelled, of_seed).ravel()
        for choice, of_seed in zip(choices, found.batches, strict=True)
    ]
    assert abs(np.corrcoef(ranks)[0, 1]) < 0.05


def test_shares_of_classes_hold_also_where_there_are_more_images_of_one(monkeypatch):
    data = datasets.load("mnist")
    counts = [300 if digit == 9 else 60 for digit in range(10)]
    kept = np.concatenate(
        [np.flatnonzero(data.train.labels == d)[:count] for d, count in enumerate(counts)]
    )
    uneven = replace(data, train=datasets.Part(data.train.images[kept], data.train.labels[kept]))
    monkeypatch.setattr(datasets, "load", lambda name, size=None: uneven)
    (stage,) = stages(QUICK.replace(class_shares=SHARES, source=None))
    shown = uneven.train.labels[stage.examples[0].unlabelled.batches]
    counted = np.bincount(shown.ravel(), minlength=10) / shown.size
    np.testing.assert_allclose(counted, SHARES, atol=0.015)


@pytest.mark.slow
def test_every_second_unlabelled_image_is_a_foreign_one():
    (stage,) = stages(QUICK.replace(foreign_images="fashion", seeds=2))
    found = stage.examples[0].unlabelled
    own, foreign = len(datasets.load("mnist").train), datasets.load("fashion").train
    np.testing.assert_array_equal(found.features[own:], foreign.images)
    assert (found.batches[..., ::2] >= own).all()
    assert (found.batches[..., 1::2] < own).all()
    assert len(np.unique(found.batches[..., ::2])) > 0.7 * len(foreign)
    assert not np.array_equal(*found.batches[..., ::2])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"information": -0.1}, "information is -0.1, but must be a finite number of at least 0"),
        ({"agreement": 1.0, "augmentation": 0.0}, "so that they are the same: try augmentation=1"),
        (
            {"confidence": 1.0},
            "confidence is 1.0, but must be a finite number of at least 0 and below 1",
        ),
        ({"class_prior": (0.5, 0.6)}, "which sums to 1.1: give a share above 0 for each class"),
        ({"ramp": 1.5}, "ramp is 1.5, but must be a finite number from 0 to 1, like 0.5"),
        ({"class_shares": (1.5, -0.5)}, "give a share of at least 0 for each class"),
        ({"class_shares": (0.5, 0.5)}, "class_shares has 2 shares, but 'mnist' has 10 classes"),
        ({"foreign_images": "fashoin"}, "Did you mean 'fashion'"),
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
        experiments.run(QUICK.replace(**changes), baseline=False)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_unlabelled_images_is_told(monkeypatch):
    part = datasets.load("uci-digits").train
    chosen = [np.flatnonzero(part.labels == digit)[:10] for digit in range(10)]
    few = datasets.Part(part.images[np.concatenate(chosen)], part.labels[np.concatenate(chosen)])
    small = datasets.Dataset("uci-digits", "Few", few, few, DIGITS, "made up", "none")
    monkeypatch.setattr(datasets, "load", lambda name, size=None: small)
    settings = QUICK.replace(targets=("uci-digits",), labels_per_class=8, source=None)
    with pytest.raises(WorkbookError, match="none is left to learn from without its label"):
        experiments.run(settings, baseline=False)


@pytest.mark.slow
def test_frozen_features_serve_the_information_alone():
    """No views are needed for it, so cached features do: quick enough for a slider."""
    settings = QUICK.replace(agreement=0.0, augmentation=0.0, frozen_layers=3, labels_per_class=2)
    plain = settings.replace(information=0.0)
    found = [experiments.run(each.replace(seeds=3), baseline=False) for each in (plain, settings)]
    assert found[1].accuracy["mnist"].mean() > found[0].accuracy["mnist"].mean()
