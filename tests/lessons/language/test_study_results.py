"""Lesson 07's figures and tables say what its stored studies say."""

import numpy as np
import pytest

from simmim_lib.foundation.intervals import difference
from simmim_lib.lessons.language import plain_methods, probes, studies, study_results
from simmim_lib.lessons.language.plain_methods import DOMAINS, PlainMethod
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
    assert study_results.of_heads(target, 8, SHARED, True).mean() >= 0.84
    assert study_results.of_heads(target, 25, SHARED, True).mean() >= 0.855
    assert study_results.without_labels(target).mean() >= 0.83


def test_the_mean_of_three_domains_reaches_what_was_promised():
    means = [study_results.of_heads(name, 25, SHARED, True).mean() for name in DOMAINS]
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


def test_figures_say_their_numbers():
    assert f"{study_results.of_heads('yelp', 8, SHARED, True).mean():.3f}" in (
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
