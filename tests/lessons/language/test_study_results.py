"""Lesson 07's figures and tables say what its stored studies say."""

from pathlib import Path

import numpy as np
import pytest

from simmim_lib.foundation.intervals import difference
from simmim_lib.lessons.language import plain_methods, probes, studies, study_results
from simmim_lib.lessons.language.plain_methods import DOMAINS, PlainMethod
from simmim_lib.lessons.language.studies import INFORMED
from simmim_lib.lessons.language.study_results import ALONE, SHARED, TOGETHER
from simmim_lib.studies import stored


@pytest.mark.parametrize(
    "name",
    [
        *("text_domains", "text_domain_without_labels", "text_plain_methods", "text_domain_shift"),
        *("text_three_stages", "text_recipes"),
    ],
)
def test_stored_studies_are_of_todays_plans(name):
    plan = getattr(studies, name)()
    study = stored.load(name.replace("_", "-"))
    assert [record.settings for record in study.records] == plan
    for record in study.records:
        assert all(values.shape == (record.settings.seeds,) for values in record.measures.values())


def test_the_recipe_is_the_gentlest_that_is_not_clearly_worse_than_the_best_on_validation():
    study = stored.load("text-recipes")
    found = {
        (information, spread): np.mean(
            [
                study.values(
                    "validation",
                    name,
                    information=information,
                    spread=spread,
                    labels_per_class=labels,
                )
                for name in DOMAINS
                for labels in (8, 25)
            ],
            axis=0,
        )
        for information in studies.INFORMATION
        for spread in studies.SPREAD
    }
    best = max(found.values(), key=np.mean)
    as_good = [way for way, each in found.items() if difference(each, best).verdict != "loss"]
    assert min(as_good) == (studies.INFORMED["information"], studies.INFORMED["spread"])


@pytest.mark.parametrize("target", DOMAINS)
def test_heads_on_minilm_reach_what_was_promised(target):
    assert study_results.of_heads(target, 8, SHARED, INFORMED).mean() >= 0.84
    assert study_results.of_heads(target, 25, SHARED, INFORMED).mean() >= 0.855
    assert study_results.without_labels(target).mean() >= 0.83


def test_the_mean_of_three_domains_reaches_what_was_promised():
    means = [study_results.of_heads(name, 25, SHARED, INFORMED).mean() for name in DOMAINS]
    assert np.mean(means) >= 0.87


def test_tables_hold_the_differences():
    table = study_results.shared_head_table()
    assert [row[0] for row in table.rows] == list(studies.COUNTS)
    differences = study_results.of_heads("imdb", 4, SHARED) - study_results.of_heads(
        "imdb", 4, ALONE
    )
    assert table.rows[1][2].mean == pytest.approx(100 * differences.mean())
    # With nothing shared, the first domain's head does not even notice the others.
    assert np.array_equal(
        study_results.of_heads("amazon", 8, TOGETHER), study_results.of_heads("amazon", 8, ALONE)
    )


def test_information_is_compared_at_equal_steps():
    """Nothing else may differ, or a learning rate is taken for what sentences teach."""
    without, informed = (
        {
            (each.targets, each.shared_heads, each.labels_per_class): each
            for each in studies.text_domains()
            if (each.recipe, each.information > 0) == asked
        }
        for asked in (("simmim", False), ("simmim", True))
    )
    assert len(without) == len(informed) == 25
    for key, settings in without.items():
        same = settings.replace(information=3.0, spread=2.0)
        assert same == informed[key]
    gain = study_results.informed_gain("yelp", 8)
    values = (
        stored.load("text-domains").values(
            target="yelp",
            targets=DOMAINS,
            labels_per_class=8,
            shared_heads=True,
            recipe="simmim",
            information=weight,
        )
        for weight in (3.0, 0.0)
    )
    assert gain == difference(*values)


def test_the_notebook_runs_the_recipe_that_was_chosen():
    text = (Path(__file__).parents[3] / "notebooks" / "source" / "07_language.py").read_text()
    for name in ("information", "spread"):
        assert f"    {name}={INFORMED[name]:g},\n" in text


def test_every_comparison_changes_one_thing_and_has_every_number_of_labels():
    table = study_results.verdict_table()
    assert len(table.rows) == len(study_results.COMPARED) * len(studies.COUNTS)
    assert table.rows[5][2] == study_results.difference(
        study_results.of_heads("amazon", 2, SHARED), study_results.of_heads("amazon", 2, TOGETHER)
    )


def test_better_teachers_are_those_whose_lead_is_clear(monkeypatch):
    def shifted(method, learns_from, target):
        ahead = 0.1 if learns_from == ("yelp",) and target == "amazon" else 0.0
        return np.array([0.7, 0.71, 0.72]) + ahead

    monkeypatch.setattr(study_results, "shifted", shifted)
    (said,) = study_results.better_teachers("linear")
    assert said.startswith("Amazon") and "better than from IMDb" in said and "10.0 ± 0.0" in said


def test_scale_is_told_with_its_cost():
    """MiniLM's weights by its config: 30,522 + 512 vectors, and six layers of 384 and 1,536."""
    *_, large = study_results.scale_table().rows
    weights = (30_522 + 512) * 384 + 6 * 384 * (4 * 384 + 2 * 1536)
    assert large[2] == f"{weights / 1e6:.1f}"
    assert large[3] == f"{2 * 16 * 6 * 384 * (4 * 384 + 2 * 1536) / 1e6:,.0f}"


def test_figures_say_their_numbers():
    assert f"{study_results.of_heads('yelp', 8, SHARED, INFORMED).mean():.3f}" in (
        study_results.heads_figure().alt
    )
    assert "from Yelp to IMDb" in study_results.shift_figure().alt


def test_a_plain_method_is_measured_as_it_was_stored():
    asked = PlainMethod(
        method="tf-idf", learns_from=("imdb",), tested_on="imdb", labels_per_class=8, seeds=2
    )
    stored_values = study_results.by_words("tf-idf", "imdb", 8)[:2]
    measured = plain_methods.measure(asked, lambda done, total: None)["accuracy"]
    assert measured == pytest.approx(stored_values, abs=0.01)


def test_probes_are_eight_of_each_kind_and_balanced():
    for kind, of_kind in probes.PROBES.items():
        assert len(of_kind) == 8, kind
    moods = [mood for of_kind in probes.PROBES.values() for _, mood in of_kind]
    assert len(moods) == 40 and 18 <= sum(moods) <= 22
    found = probes.understood(probes.PROBES["plain"], lambda texts: np.ones(len(texts)))
    assert found.tolist() == [mood for _, mood in probes.PROBES["plain"]]
