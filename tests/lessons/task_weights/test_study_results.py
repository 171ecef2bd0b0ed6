"""What lesson 04 shows of runs and stored studies: the same numbers, in tables."""

import numpy as np
import pytest

from simmim_lib import weighting
from simmim_lib.foundation.intervals import difference
from simmim_lib.lessons.task_weights import studies, study_results
from simmim_lib.studies import stored
from simmim_lib.weighting import PROPERTIES


def test_methods_have_a_sentence_each_and_their_formulas_folded():
    text = study_results.methods("losses", "norms").data
    shown, folded = text.split("<details>")
    assert shown.count("\n- ") + 1 == folded.count("\n- ") == 8
    assert "`dwa`: More weight for the task whose loss fell less between the two steps" in shown
    assert "$" not in shown and "- GradNorm: $" in folded
    assert "PCGrad" not in text


def test_every_weighting_has_a_row_of_promises_and_every_promise_a_sentence():
    meanings, table = study_results.promises().data.split("\n\n")
    assert meanings.count("\n- **") + 1 == len(PROPERTIES)
    rows = {row[0]: row[1:] for row in ([cell.strip() for cell in line.strip("|").split("|")]
            for line in table.splitlines()[2:])}  # fmt: skip
    assert len(rows) == len(weighting.METHODS)
    assert rows["UPGrad"] == ["yes", "yes", "yes", "–", "yes"]
    assert rows["plain sum"] == ["–", "yes", "yes", "yes", "yes"]


def test_of_three_tasks_pcgrad_leaves_one_worse_off_and_upgrad_none():
    rows = {name: words for name, *words in study_results.three_tasks_table(
        np.array([[1.0, 0, 1], [-3, -3, 1], [0, 2, -2]])).rows}  # fmt: skip
    assert rows["plain sum"] == ["rises", "falls", "rises"]
    assert "rises" in rows["PCGrad"] and set(rows["UPGrad"]) == {"falls"}
    assert rows["DualProj"] == ["stays", "falls", "stays"]


def test_a_kernel_has_the_gradients_that_were_found():
    gradients = {
        "mnist": {"trunk/kernel": 1.0, "trunk/bias": 1.0, "head/kernel": None},
        "fashion": {"trunk/kernel": 0.0, "trunk/bias": 0.0, "head/kernel": 2.0},
    }
    assert study_results.gradients_table(gradients).rows == [
        ["`trunk/kernel`", "yes", "yes"],
        ["`head/kernel`", "no", "yes"],
    ]


def test_the_share_changed_compares_a_weight_of_100_with_one_of_1(monkeypatch):
    def run(settings, baseline):
        moved = settings.task_weights == (1.0, 100.0)
        predictions = {"mnist": np.zeros((2, 5)), "fashion": np.zeros((2, 5))}
        predictions["fashion"][0, :3] = moved
        return type("Result", (), {"predictions": predictions})

    monkeypatch.setattr(study_results.experiments, "run", run)
    changed = study_results.share_changed(frozen_layers=4)
    assert changed == {"mnist": 0.0, "fashion": pytest.approx(0.3)}
    assert study_results.changed_table({"heads": changed}).rows == [["heads", "0.0%", "30.0%"]]


def test_accuracies_stand_in_the_column_of_their_target():
    accuracy = {("imtl-g", 100): {"mnist": np.array([0.5]), "fashion": np.array([0.25])}}
    assert study_results.units_table(accuracy).rows == [["IMTL-G", 100, "0.50", "0.25"]]


def test_units_are_compared_within_the_stored_study():
    found = study_results.changes_by_units()["mgda"]["fashion"]
    one, hundred = (
        stored.load("scaled-loss").values(
            "accuracy", "fashion", weighting="mgda", task_weights=(1, scale)
        )
        for scale in (1, 100)
    )
    assert found == difference(hundred, one)
    assert study_results.changes_by_units_figure().alt.count("points") == 36


def test_only_gradnorm_gives_the_slow_task_more_and_more():
    ratios = study_results.weight_ratios()
    assert "fixed" not in ratios
    assert [name for name, ratio in ratios.items() if ratio[-1] > 2 * ratio[50]] == ["gradnorm"]
    assert np.ptp(ratios["dwa"]) < 0.01
    weights = study_results.made_up_losses()
    assert weights[0].tolist() == [2.3, 23]


def test_gains_are_compared_with_the_plain_sum_of_their_group():
    rows = {name: found for name, *found in study_results.gains_table().rows}
    assert len(rows) == 17
    for column, group in enumerate(studies.TRIALS):
        gains = studies.relative_gains(stored.load("weightings"), group)
        wanted = difference(gains["cagrad"] / 100, gains["fixed"] / 100)
        assert rows["CAGrad"][column] == wanted


def test_on_new_seeds_cagrad_and_config_trade_clothes_for_mnist():
    rows = {name: found for name, *found in study_results.on_new_seeds_table().rows}
    assert {name: [found.verdict for found in rows[name][1:]] for name in ("CAGrad", "ConFIG")} == {
        "CAGrad": ["gain", "loss", "loss"],
        "ConFIG": ["gain", "no clear difference", "loss"],
    }
    assert [found[0] for found in rows.values()] == [*study_results.on_new_seeds().values()]


def test_no_weighting_makes_joint_training_pay():
    """Everything lies left of the dotted line, as the answer says."""
    for gains in study_results.gains().values():
        assert max(values.mean() for values in gains.values()) < 0
