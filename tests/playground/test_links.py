"""Links: what is set comes back, and what a stranger writes does no harm."""

import pytest

from simmim_lib.errors import WorkbookError
from simmim_lib.playground import links
from simmim_lib.settings import Settings
from simmim_lib.studies import gallery
from simmim_lib.trunks import minilm


@pytest.mark.parametrize("example", gallery.EXAMPLES.values(), ids=str)
def test_a_link_brings_a_setting_back(example):
    asked = links.settings(example.given)
    found = links.read(f"?{links.write(asked, ('seeds', 'steps'))}")
    assert not found.refused and found.hidden == ("seeds", "steps")
    assert links.settings(found.given) == asked


def test_what_is_usual_makes_an_empty_link():
    assert links.write(Settings()) == ""
    assert links.settings(links.read("").given) == Settings()


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("steps=-1", "steps is -1"),
        ("steps=%00", "steps must be a whole number"),
        ("trunk=<script>alert(1)</script>", "trunk"),
        ("trunk=file:/etc/passwd?blocks=a", "/etc/passwd"),
        ("steps=5&copied_layers=1&frozen_layers=3", "only 1 layers are copied"),
        ("recipe=simmin", "Did you mean 'simmim'"),
        ("targets=", "targets"),
        ("class_prior=0.5,0.6", "class_prior"),
    ],
)
def test_what_cannot_be_used_is_told_in_a_sentence(query, told):
    found = links.read(query)
    assert len(found.refused) == 1 and told in found.refused[0] and "\n" not in found.refused[0]
    links.settings(found.given)


@pytest.mark.parametrize(
    "query",
    ["__class__=1", "strangers=fashion", "x" * 10_000, "&&&===", "%ff%fe=%00", "hide=__init__,x"],
)
def test_what_names_no_setting_is_left_out(query):
    assert links.read(query) == links.Link()


def test_a_link_does_not_make_anything_be_downloaded(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    asked = "trunk=resnet50&targets=fashion&seeds=2"
    found = links.read(asked)
    assert found.given == {"targets": "fashion", "seeds": "2"}
    assert "'resnet50' is not on this machine, and nothing is downloaded" in found.refused[0]
    assert not links.read("trunk=resnet50&targets=fashion&source=none").refused
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5").touch()
    assert not links.read(asked).refused
    monkeypatch.setattr(minilm, "is_there", lambda: False)
    assert "minilm-l6" in links.read("trunk=minilm-l6&targets=amazon").refused[0]


def test_the_good_part_of_a_link_stands():
    found = links.read("labels_per_class=5&steps=none&seeds=2")
    assert links.settings(found.given) == Settings(labels_per_class=5, seeds=2)
    assert len(found.refused) == 1


def test_where_nothing_that_was_given_is_the_culprit_the_settings_say_it(monkeypatch):
    monkeypatch.setenv("SIMMIM_BUDGET", "fast")
    assert links.read("steps=5").given == {}
    with pytest.raises(WorkbookError, match="Unknown budget 'fast'"):
        links.settings({})
