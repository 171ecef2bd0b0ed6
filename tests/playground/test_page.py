"""The page: a control for every setting, all of which follow; and what can be taken along."""

import html
import shlex

import pytest
from widget_driver import choose, click, find, hidden_errors, send

from simmim_lib.commands import cli
from simmim_lib.playground import links, playground
from simmim_lib.settings import OPTIONS, Settings, as_text
from simmim_lib.studies import gallery

pytestmark = pytest.mark.colab

TINY = "steps=3&seeds=1&labels_per_class=2&baseline=none"


@pytest.fixture
def still(monkeypatch):
    """Leave out the training, and record what it was asked for."""
    from simmim_lib.playground import page

    asked: list[Settings] = []

    def pictures(given, progress):
        asked.append(links.settings(given))
        return iter(())

    monkeypatch.setattr(page, "_pictures", pictures)
    return asked


def shown(view) -> set[int]:
    """Return the widgets within a view."""
    found = {id(view)}
    for child in getattr(view, "children", ()):
        found |= shown(child)
    return found


def test_every_setting_has_a_control_that_says_what_it_is(still):
    page = playground()
    assert {*page.controls} == {*OPTIONS}
    seen = shown(page.view)
    for name, control in page.controls.items():
        assert id(control) in seen and control.tooltip == OPTIONS[name].metadata["help"]


def test_a_link_can_hide_controls_and_empty_groups(still):
    page = playground("hide=seeds,recipe", hide=("steps",))
    seen = shown(page.view)
    hidden = {name for name, control in page.controls.items() if id(control) not in seen}
    assert hidden == {"seeds", "recipe", "steps"}
    assert page.taken("link") == "?hide=seeds%2Crecipe%2Csteps"


def test_what_is_set_stays_and_the_rest_follows(still):
    page = playground()
    choose(page.controls["trunk"], "efficientnet-lite0")
    page.wait()
    expected = Settings(trunk="efficientnet-lite0")
    assert page.settings == expected == still[-1]
    assert page.controls["frozen_layers"].value == len(expected.trunk_info.blocks)
    assert page.controls["source"].value == "imagenet"
    assert page.controls["image_size"].value == "96"
    choose(page.controls["frozen_layers"], "3")
    page.wait()
    choose(page.controls["recipe"], "simmim")
    page.wait()
    assert page.settings == still[-1]
    assert page.settings == Settings(trunk="efficientnet-lite0", frozen_layers=3, recipe="simmim")
    assert page.controls["information"].value == page.settings.information == 1.0


def test_only_pretexts_that_the_trunk_knows_are_offered(still):
    page = playground("trunk=small-vit")
    pretext = page.controls["pretext"]
    known = page.settings.trunk_info.pretexts
    assert [value for _, value in pretext.options] == [*known] and "masked" in known
    choose(pretext, "masked")
    page.wait()
    assert page.settings.pretext == "masked"
    assert [value for _, value in playground().controls["pretext"].options] != []


def test_texts_are_read_as_a_command_reads_them(still):
    page = playground("targets=mnist,fashion")
    send(page.controls["task_weights"], value="1,2")
    page.wait()
    assert still[-1].task_weights == (1.0, 2.0)
    send(page.controls["task_weights"], value="1,2,3")
    page.wait()
    with pytest.raises(ValueError, match="for 2 tasks"):
        assert page.settings


@pytest.mark.parametrize("example", gallery.EXAMPLES.values(), ids=str)
def test_every_example_can_be_asked_for(still, example):
    page = playground("steps=7")
    choose(find(page.view, "Gallery"), example.title)
    page.wait()
    assert still[-1] == Settings.from_mapping(example.given)
    told = page.example.value
    assert html.escape(example.about) in told and "Measured over 10 seeds" in told
    for name, control in page.controls.items():
        value = getattr(page.settings, name)
        assert control.value in (value, as_text(value)), name
    choose(page.controls["seeds"], "1")
    page.wait()
    assert not page.example.value  # what was measured was another setting


@pytest.mark.parametrize("example", gallery.EXAMPLES.values(), ids=str)
def test_what_is_taken_along_is_what_is_shown(still, example):
    page = playground(links.write(links.settings(example.given)))
    code = page.taken("Python").removeprefix("simmim_lib.run(simmim_lib.").removesuffix(")")
    assert eval(code, {"Settings": Settings}) == page.settings
    command = shlex.split(page.taken("command"))
    assert command[:2] == ["simmim", "run"]
    assert cli._chosen(cli._parser().parse_args(command[1:])) == page.settings
    assert page.taken("report").startswith("simmim report -p ")


def test_an_example_can_be_chosen_again_after_another_setting(still):
    page = playground()
    first = next(iter(gallery.EXAMPLES))
    for _ in range(2):
        choose(page.gallery, first)
        page.wait()
        assert page.settings == links.settings(gallery.EXAMPLES[first].given)
        assert "Measured over" in page.example.value
        choose(page.controls["seeds"], "2")
        page.wait()
        assert page.gallery.value == "choose a setting" and page.example.value == ""
    assert page.settings.seeds == 2


def test_a_pad_of_other_settings_is_taken_away(still, monkeypatch):
    pytest.importorskip("anywidget")  # which Colab does not have
    from simmim_lib.playground.drawing import DrawingPad

    monkeypatch.setattr(DrawingPad, "train", lambda self: None)
    page = playground()

    def draw():
        click(find(page.view, "Draw something yourself"))
        assert page.drawing.children, page.message.value

    draw()
    choose(page.controls["seeds"], "2")
    assert not page.drawing.children
    draw()
    page.set({})
    assert not page.drawing.children


def test_what_a_link_gets_wrong_is_told_and_escaped(still):
    page = playground("trunk=<script>alert(1)</script>&steps=5")
    page.start()  # as showing it does
    assert "simmim-error" in page.message.value and "<script>" not in page.message.value
    assert page.settings == Settings(steps=5)


@pytest.mark.slow
def test_a_refusal_is_shown_and_the_next_change_is_heard():
    page = playground(TINY)
    send(page.controls["batch_size"], index=0)
    page.wait(120)
    assert not hidden_errors(page.view) and page.png
    send(page.controls["task_weights"], value="-1")
    page.wait()
    assert "task_weights holds -1.0" in page.message.value
    send(page.controls["task_weights"], value="none")
    page.wait(120)
    assert page.message.value == "" and page.error is None


@pytest.mark.slow
def test_the_picture_says_what_training_and_baseline_have_brought():
    from simmim_lib.experiments import run

    page = playground("steps=5&seeds=2&labels_per_class=2&targets=mnist,uci-digits")
    page.start()
    assert page.error is None
    known = run(page.settings)
    for target in page.settings.targets:
        assert f"{100 * known.accuracy[target].mean():.1f}" in page.alt
        assert f"{100 * known.baseline[target].mean():.1f}" in page.alt
    assert "from scratch" in page.words.value
    click(find(page.view, "Show"))
    assert "simmim_lib.run(simmim_lib.Settings(" in page.code.value
