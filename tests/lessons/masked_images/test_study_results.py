"""Results of lesson 08: what its text says of the stored studies, and how claims are judged."""

import numpy as np
import pytest

from simmim_lib.foundation.intervals import difference, mean_and_interval
from simmim_lib.lessons.masked_images import chosen, study_results
from simmim_lib.lessons.masked_images.pretrainings import (
    Ablation,
    Probed,
    Timed,
    usual_recipe,
)
from simmim_lib.lessons.masked_images.studies import (
    CHOOSING,
    LABELS,
    LENGTHS,
    PRETRAININGS,
    REPORTED,
    TRIED_AGAIN,
)
from simmim_lib.settings import INFORMED
from simmim_lib.studies import stored


def test_gains_are_those_of_the_same_seeds():
    study = stored.load("without-labels")
    for labels in LABELS:
        scratch = study.values(source=None, labels_per_class=labels)
        masked = study.values(pretext="masked", labels_per_class=labels)
        assert len(scratch[REPORTED]) == 10
        gain = difference(masked[REPORTED], scratch[REPORTED])
        assert study_results.gain("masked", labels) == gain


def test_masked_pretraining_brings_what_it_must():
    for labels, least in ((5, 12), (20, 7)):
        gain = study_results.gain("masked", labels)
        assert gain.mean >= least and gain.mean - gain.half_width > 0


def test_the_lines_cross_where_masked_gets_ahead(monkeypatch):
    """By hand: contrastive stays at 0.6; masked is at 0.5 after 10 and 100 s, later at 0.7."""
    lines = {
        "masked": (np.array([10.0, 100, 1000]), np.array([[0.5, 0.5], [0.5, 0.5], [0.7, 0.7]])),
        "contrastive": (np.array([20.0, 500]), np.full((2, 2), 0.6)),
    }
    monkeypatch.setattr(study_results, "timed", lines.__getitem__)
    assert study_results.crossing() == (100, 1000)
    lines["masked"][1][0] = 0.9
    assert study_results.crossing() is None


def test_the_stored_lines_cross_once():
    behind, ahead = study_results.crossing()
    assert 0 < behind < ahead


@pytest.mark.parametrize(
    ("probe", "verdict"),
    [
        ([0.5, 0.51], "not reproduced: far above chance"),
        ([0.1, 0.11], "reproduced"),
        ([0.1, 0.3], "not decidable here"),
    ],
)
def test_the_hint_is_judged_by_chance(monkeypatch, probe, verdict):
    monkeypatch.setattr(study_results, "probe_with_norm", lambda: np.array(probe))
    assert study_results.verdict_on_hint() == verdict


def test_the_loss_to_the_last_block_is_not_that_to_the_features():
    probes = stored.load("block-probes").values(pretext="masked")
    best = study_results.best_block("masked") - 1
    assert study_results.from_best_to_last_block("masked") == difference(probes[best], probes[4])


def test_no_seed_that_has_chosen_is_reported():
    assert not set(range(CHOOSING)) & set(range(20)[REPORTED])


def test_every_length_has_its_seconds_and_the_usual_one_is_among_them():
    for pretext, lengths in LENGTHS.items():
        seconds, accuracies = study_results.timed(pretext)
        assert len(seconds) == len(accuracies) == len(lengths) + 1
        assert (np.diff(seconds) > 0).all()
        place = sorted([*lengths, usual_recipe(pretext).steps]).index(usual_recipe(pretext).steps)
        np.testing.assert_array_equal(accuracies[place], study_results.accuracy(pretext, 5))


def test_both_networks_that_ship_were_trained_for_twenty_minutes_to_an_hour_or_so():
    """As the question says; the answer has both numbers."""
    for pretext in ("masked", "contrastive"):
        assert 20 * 60 < study_results.timed(pretext)[0][-1] < 75 * 60


def test_images_without_labels_are_compared_with_the_same_steps_without_them():
    """Over the seeds that have not chosen, and with nothing else changed."""
    records = stored.load("informed-after-masking").records
    for labels in LABELS:
        alone, both = (
            next(
                record
                for record in records
                if (record.settings.labels_per_class, record.settings.information)
                == (labels, information)
            )
            for information in (0.0, 1.0)
        )
        assert alone.settings.replace(information=1.0, agreement=1.0) == both.settings
        gain = difference(both.values()[REPORTED], alone.values()[REPORTED])
        assert study_results.informed_gain(labels) == gain


def test_what_the_lesson_says_of_the_recipe_after_masking():
    for labels in LABELS:
        assert study_results.informed_gain(labels).verdict == "gain"
        fine_tuned, augmented = (
            study_results.continued(f"masked, {way}", labels) for way in ("fine-tuned", "augmented")
        )
        assert difference(fine_tuned, augmented).verdict == "no clear difference"
    assert chosen.chosen_informed()["augmentation"] < INFORMED["augmentation"]


def test_the_recipe_after_masking_comes_further_than_with_convolutions():
    """On average, and not seed by seed: these are not the same ten seeds."""
    for labels in LABELS:
        ours = study_results.continued("masked, SimMIM", labels)
        assert ours.mean() > study_results.of_convolutions(labels).mean()


def test_lesson_05_is_quoted_as_it_is_stored():
    for labels in LABELS:
        (found,) = (
            record.values()
            for record in stored.load("unlabelled").records
            if record.settings.targets == ("fashion",)
            and record.settings.labels_per_class == labels
            and record.settings.information
            and record.settings.steps == 500  # as the answer says
        )
        np.testing.assert_array_equal(study_results.of_convolutions(labels), found)


def test_every_block_was_probed():
    for pretext in ("masked", "contrastive"):
        found = study_results.by_block(pretext)
        assert found.shape == (6, 10)
        assert 1 <= study_results.best_block(pretext) <= 6
        assert found.mean(axis=1).max() > found[0].mean()  # blocks know more than the embedding


def test_frozen_blocks_are_compared_over_the_same_seeds():
    _, table = study_results.frozen_compared()
    assert [*table.heading] == ["source", "0 frozen", "1 frozen", "3 frozen", "5 frozen"]
    masked = stored.load("frozen-sources").values(pretext="masked", frozen_layers=3)
    assert table.rows[0][0] == "masked" and table.rows[0][3] == mean_and_interval(masked)


@pytest.mark.parametrize(
    ("shift", "luck", "verdict"),
    [
        (0.1, 3.0, "reproduced"),
        (-0.1, 3.0, "not reproduced: the other way round"),
        (0, 0.0, "not decidable here"),
        (0.1, 11.0, "not decidable here"),
        (-0.1, 11.0, "not decidable here"),
    ],
)
def test_a_claim_is_judged_by_its_interval_and_by_luck(monkeypatch, shift, luck, verdict):
    values = np.array([0.5, 0.52, 0.51, 0.49, 0.5])
    noise = np.array([0.01, -0.01, 0.0, 0.005, -0.005])
    monkeypatch.setattr(
        study_results, "ablated", lambda **changes: values - shift + noise if changes else values
    )
    monkeypatch.setattr(study_results, "luck", lambda: luck)
    ahead, word = study_results.verdicts()["scattered units beat one square"]
    assert word == verdict and ahead.mean == pytest.approx(100 * shift, abs=0.2)


def test_luck_is_the_spread_of_all_pretrainings_of_the_usual_kind():
    """95 of 100 differences of two values lie below t sqrt(2) times their standard deviation."""
    usual = vars(Ablation()) | {"pretraining_seed": None}
    means = [
        100 * record.values().mean()
        for name in ("mask-ablations", "mask-ablations-again")
        for record in stored.load(name).records
        if vars(record.settings) | {"pretraining_seed": None} == usual
    ]
    assert len(means) == 2 + len(PRETRAININGS) == 8
    expected = 2.3646 * np.sqrt(2) * np.std(means, ddof=1)  # Student's t, seven degrees of freedom
    assert study_results.luck() == pytest.approx(expected, rel=1e-4)


def test_the_ratio_was_tried_again_because_its_interval_deceives():
    claim = "with single patches, a ratio of 0.6 beats one of 0.2"
    assert study_results.CLAIMS[claim] == TRIED_AGAIN
    assert not set(PRETRAININGS) & {0, 1}  # these have shown what to try
    first, verdict = study_results.verdicts()[claim]
    assert first.is_clear and verdict == "not decidable here"
    assert not study_results.ahead_again().is_clear


def test_new_pretrainings_count_once_each(monkeypatch):
    """By hand: the other arm has nothing; two pre-trainings, three draws."""
    found = {2: np.array([0.1, 0.2, 0.3]), 3: np.array([0.3, 0.4, 0.5])}
    monkeypatch.setattr(study_results, "PRETRAININGS", (2, 3))
    monkeypatch.setattr(
        study_results, "again", lambda seed, **changes: 0 * found[seed] if changes else found[seed]
    )
    expected = difference(np.array([0.2, 0.4]), np.zeros(2))
    assert study_results.ahead_again().mean == pytest.approx(expected.mean)
    assert study_results.ahead_again().half_width == pytest.approx(expected.half_width)


@pytest.mark.parametrize(
    "experiment",
    [
        Timed(pretext="masked", pretraining_steps=2),
        Timed(pretext="masked", pretraining_steps=0, tested_on="mnist"),
        Ablation(trunk="small-cnn", repaired=False),
        Ablation(kind="square", unit=2, final_norm=True),
        Probed(pretext="contrastive"),
    ],
)
def test_a_description_survives_json(experiment):
    assert type(experiment).from_mapping(experiment.as_dict()) == experiment
