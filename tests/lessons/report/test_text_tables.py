"""Texts in a report: examples of each class, and what a network is most wrong about."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from simmim_lib import datasets
from simmim_lib.lessons.report import shown_examples, text_tables
from simmim_lib.pictures.style import Picture
from simmim_lib.settings import Settings

SETTINGS = Settings(trunk="words", targets=("yelp",))


def test_examples_of_each_class_are_listed():
    found, data = text_tables.examples(SETTINGS, "yelp", "target"), datasets.load("yelp")
    assert found.caption == "yelp (target): 4 of each"
    assert [name for name, _ in found.rows] == [name for name in data.class_names for _ in range(4)]
    for name, text in found.rows:
        (place,) = np.flatnonzero([" ".join(each.split()) == text for each in data.train.images])
        assert data.class_names[data.train.labels[place]] == name


def test_of_texts_without_classes_the_beginnings_are_shown():
    found = text_tables.examples(SETTINGS, "wikipedia", "source")
    assert found.head == ("number", "text") and len(found.rows) == text_tables.EXAMPLES
    assert all(
        len(text) <= text_tables.MAX_LINE and text.endswith(" ...") for _, text in found.rows
    )


@pytest.mark.parametrize("files", [(), ("a.txt", "b.txt", "c.txt", "d.txt")])
def test_the_worst_mistakes_come_first(files):
    data = datasets.load("yelp")
    texts = datasets.texts.as_array(["good", "bad &  <b>", "fine", "x" * 400])
    part = datasets.Part(texts, np.array([1, 0, 1, 0], np.int32), files)
    data = replace(data, test=part, class_names=("no", "yes"))
    outputs = np.array([[0.1, 0.9], [0.3, 0.7], [0.4, 0.6], [0.05, 0.95]])
    result = SimpleNamespace(best_seed=lambda target: 1)
    findings = SimpleNamespace(
        data=lambda target: data,
        result=result,
        asked=SimpleNamespace(probabilities={"yelp": [1 - outputs, outputs]}),
        names={"yelp": "Yelp"},
    )
    found = shown_examples.most_wrong(findings, "yelp")
    names = files or [f"test[{n}]" for n in range(4)]
    assert found.caption == "Yelp, seed 1: all 2 mistakes on 4 test texts"
    first, second = found.rows
    assert first == (names[3], "no", "yes", "95 %", "x" * 296 + " ...")
    assert second == (names[1], "no", "yes", "70 %", "bad & <b>")
    assert "<b>" not in found._repr_html_()


def test_images_are_shown_as_a_picture():
    assert isinstance(shown_examples.examples(Settings(), "mnist", "target"), Picture)
