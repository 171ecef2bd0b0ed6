"""The form of lesson 10: it asks for what its controls say, and tells what came of it."""

import json
from pathlib import Path

import pytest
from widget_driver import choose, click, find, hidden_errors, send

from simmim_lib.errors import WorkbookError
from simmim_lib.lessons.report import form as report_form
from simmim_lib.lessons.report.form import Form
from simmim_lib.reports import report
from simmim_lib.settings import INFORMED, Settings

pytestmark = pytest.mark.colab

TINY = Settings(source="mnist", targets=("uci-digits",), labels_per_class=2, steps=3, seeds=2)


@pytest.fixture
def asked(monkeypatch) -> list[tuple]:
    """Replace the making of reports, and record what was asked for."""
    orders: list[tuple] = []

    def write(settings, folder, title="", show_code=False, tell=None):
        orders.append((settings, folder, title))
        tell(1, 4, "What <was> asked", 0.5)
        return report.Report(Path(folder or "reports/new"), {"verdict": "a < b"})

    monkeypatch.setattr(report, "write", write)
    return orders


def press(form: Form) -> str:
    """Press the button, wait, and return what the form says."""
    click(find(form.view, "Run this report"))
    form.wait(60)
    assert hidden_errors(form.view) == ([form.message.value] if form.error else [])
    assert form.bar.layout.visibility == "hidden" and not form.button.disabled
    return form.message.value


def test_the_controls_are_what_is_asked_for(asked):
    form = report_form.form(TINY)
    says = press(form)
    assert asked[-1][0] == TINY
    assert asked[-1][1] is None  # a new one
    assert (
        "a &lt; b" in says
        and "simmim report -p recipe fine-tune" in says
        and "-p source mnist" in says
    )
    assert form.bar.value == 0.5
    choose(find(form.view, "Source"), "from scratch")
    choose(find(form.view, "Labels per class"), "20")
    choose(find(form.view, "Seeds"), "5")
    targets = find(form.view, "Targets")
    send(targets, index=[targets.options.index((name, name)) for name in ("mnist", "fashion")])
    send(find(form.view, "Title"), value="<b>mine</b>")
    send(find(form.view, "Folder"), value=" somewhere ")
    assert "somewhere/report.html" in press(form)
    settings, folder, title = asked[-1]
    assert (settings.source, settings.labels_per_class, settings.seeds) == (None, 20, 5)
    assert set(settings.targets) == {"mnist", "fashion"}
    assert (folder, title) == ("somewhere", "<b>mine</b>")


def test_the_recipe_decides_what_is_usual_and_nothing_that_was_given(asked):
    form = report_form.form(TINY)
    choose(find(form.view, "Recipe"), "SimMIM (lesson 05)")
    press(form)
    found = asked[-1][0]
    assert found == TINY.replace(recipe="simmim")
    assert {name: getattr(found, name) for name in INFORMED} == INFORMED
    own = report_form.form(found.replace(information=0.7))
    press(own)
    assert asked[-1][0].information == 0.7
    choose(find(own.view, "Recipe"), "plain fine-tuning")
    press(own)
    assert (asked[-1][0].information, asked[-1][0].agreement) == (0.7, 0.0)


def test_another_trunk_offers_the_sources_that_go_with_it(asked):
    form = report_form.form(TINY)
    trunk, source = find(form.view, "Trunk"), find(form.view, "Source")
    choose(trunk, "efficientnet-lite0")
    assert [value for _, value in source.options] == [None, "imagenet"]
    press(form)
    found = asked[-1][0]
    assert (found.trunk, found.source) == ("efficientnet-lite0", "imagenet")
    assert found.frozen_layers == len(found.trunk_info.blocks) and found.image_size == 96
    choose(trunk, "article")
    assert "mnist" in {value for _, value in source.options} and source.value == "glyphs"
    press(form)
    assert (asked[-1][0].trunk, asked[-1][0].source) == ("article", "glyphs")


def test_a_trunk_that_learns_without_labels_offers_how(asked):
    form = report_form.form(TINY)
    trunk, pretext = find(form.view, "Trunk"), find(form.view, "Pre-trained by")
    choose(trunk, "small-vit")
    choose(find(form.view, "Source"), "fashion")
    choose(pretext, "masked")
    press(form)
    assert (asked[-1][0].source, asked[-1][0].pretext) == ("fashion", "masked")
    choose(find(form.view, "Source"), "from scratch")
    press(form)
    assert (asked[-1][0].source, asked[-1][0].pretext) == (None, "labels")
    choose(trunk, "efficientnet-lite0")
    assert [*pretext.options] == ["labels"]
    report_form.form(Settings(trunk="words", source=None, targets=("amazon",)))  # has no pretext


def test_what_is_refused_is_told_in_a_sentence(asked):
    form = report_form.form(TINY)
    send(find(form.view, "Targets"), index=[])
    says = press(form)
    assert isinstance(form.error, WorkbookError)
    assert "name at least one dataset" in says and "simmim-error" in says
    assert not asked and "Traceback" not in says
    send(find(form.view, "Targets"), index=[0])
    assert "simmim-error" not in press(form)
    assert form.error is None


def test_a_folder_with_a_report_is_refused_there_too(tmp_path):
    (tmp_path / "report.html").write_text("mine")
    form = report_form.form(TINY)
    send(find(form.view, "Folder"), value=str(tmp_path))
    assert "already holds a report" in press(form)
    assert (tmp_path / "report.html").read_text() == "mine"


@pytest.mark.slow
def test_a_report_from_the_form_is_a_real_one(tmp_path):
    pytest.importorskip("papermill")
    form = report_form.form(TINY)
    send(find(form.view, "Folder"), value=str(tmp_path / "mine"))
    click(find(form.view, "Run this report"))
    form.wait(300)
    assert form.error is None
    numbers = json.loads((tmp_path / "mine" / "result.json").read_text())
    assert numbers["settings"] == TINY.as_dict()
    assert "mine/report.html" in form.message.value


def test_without_a_kernel_the_form_says_what_to_do(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    report_form.form(TINY)._ipython_display_()
    assert "simmim report -p recipe fine-tune -p targets" in shown[0]["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in shown[0]
