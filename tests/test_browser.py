"""A reader's way through a lesson in a real browser: run all, move the slider, see the figure.

The shortest lesson is run whole. Of the others only the panels are opened, with what these need:
that every cell of every lesson runs is the matter of test_notebook_runs.py.
"""

import importlib.util
import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import browser
import build
import excerpts
import nbformat
import psutil
import pytest
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@dataclass(frozen=True)
class Panel:
    """A lesson whose first panel has a slider that changes its figure."""

    lesson: str  # the notebook's name without .ipynb
    slider: str  # the label that stands beside it
    keys: tuple[str, ...] = ("ArrowRight", "ArrowRight", "ArrowLeft")


PANELS = [
    Panel("00_start_here", "Labels per class"),
    Panel("01_transfer_learning", "Frozen layers"),
    Panel("02_loss_formula", "p of the label"),
    Panel("03_simmim_model", "Frozen layers"),
    Panel("04_task_weights", "Angle (degrees)"),
    Panel("05_information_maximisation", "Information"),
    Panel("06_medical_images", "Threshold"),
    Panel("08_masked_images", "Ratio"),
    Panel("09_open_problems", "Seconds"),
]
WHOLE = "00_start_here"
LESSON_FILES = sorted(build.FOLDER.glob("*.ipynb"))
PLANTED = (
    "import sys\nprint('no error', file=sys.stderr)",
    "import ipywidgets\nipywidgets.HTML('<p class=\"simmim-error\">in a panel</p>')",
    "area = ipywidgets.Output()\ndisplay(area)\nwith area:\n    1 / 0",
    "from simmim_lib.errors import WorkbookError\nraise WorkbookError('in a cell')",
)

BARRIERS = (
    "import ipywidgets\nipywidgets.HTML('<img src=\"data:,\">')",
    "ipywidgets.IntSlider(description='a label that is not tied to it')",
)


def require_browser() -> None:
    """Skip, or fail where SIMMIM_REQUIRE_BROWSER=1, unless a browser and JupyterLab are here."""
    missing = None
    if not browser.find_browser():
        missing = "no Chromium found: install Debian's package chromium"
    elif not importlib.util.find_spec("jupyterlab"):
        missing = "JupyterLab is not installed: install the extra lab"
    if missing:
        require = os.environ.get("SIMMIM_REQUIRE_BROWSER") == "1"
        (pytest.fail if require else pytest.skip)(missing)


def copy(lesson: str, folder: Path) -> None:
    """Copy a lesson, or its panels only."""
    notebook = nbformat.read(build.FOLDER / f"{lesson}.ipynb", as_version=4)
    if lesson != WHOLE:
        notebook = excerpts.with_panels_only(notebook)
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source += "\nsteps = 20  # nobody reads the numbers of this report"
    nbformat.write(notebook, folder / f"{lesson}.ipynb")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Serve copies of the notebooks, and open a browser; the repository's files stay untouched."""
    require_browser()
    folder, private = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("private")
    for lesson in (*(panel.lesson for panel in PANELS), "10_report"):
        copy(lesson, folder)
    for name, codes in (("planted", PLANTED), ("barriers", BARRIERS)):
        cells = [new_code_cell(code) for code in codes]
        notebook = new_notebook(cells=cells, metadata={"kernelspec": build.KERNEL})
        nbformat.write(notebook, folder / f"{name}.ipynb")
    with (
        pytest.MonkeyPatch.context() as patch,
        build.this_python_as_kernel(),
        browser.chromium() as chromium,
    ):
        patch.setenv("SIMMIM_BUDGET", "quick")
        with browser.jupyterlab(folder, private) as address:
            yield chromium, address
        left = [
            process.info["cmdline"]
            for process in psutil.process_iter(["cmdline"])
            if str(private) in " ".join(process.info["cmdline"] or ())
        ]
        assert left == [], "the server is to end its kernels"


@pytest.fixture(scope="module", params=PANELS, ids=lambda panel: panel.lesson)
def opened(desk, request):
    """Open a panel's lesson, run it once for all tests; keep a screenshot of how it ended."""
    chromium, address = desk
    panel = request.param
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    notebook = browser.Notebook(page, address % f"{panel.lesson}.ipynb")
    try:
        notebook.run_all()
        notebook.answer_questions()
        yield panel, notebook
    finally:
        notebook.screenshot(f"{panel.lesson}-after")
        notebook.shut_down()
        page.close()


def test_the_figure_follows_the_slider_by_keyboard(opened):
    panel, notebook = opened
    assert notebook.errors() == []
    slider = notebook.slider(panel.slider)
    slider.scroll_into_view_if_needed()
    notebook.screenshot(f"{panel.lesson}-before")
    shown = notebook.figure()
    pictures = [notebook.pixels()]
    for key in panel.keys:
        notebook.press(slider, key)
        shown = notebook.wait_for_new_figure(shown)
        pictures.append(notebook.pixels())
    assert all(old != new for old, new in pairwise(pictures))
    assert notebook.errors() == []


def test_everybody_can_use_what_a_lesson_shows_in_light_and_dark(opened):
    panel, notebook = opened
    assert notebook.page.get_by_role("slider", name=panel.slider, exact=True).count()
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        notebook.use_theme(theme)
        assert browser.barriers(notebook.page) == []


def test_the_panel_fits_a_phone(opened):
    panel, notebook = opened
    notebook.hold(width=390, height=844)
    notebook.slider(panel.slider).scroll_into_view_if_needed()
    notebook.screenshot(f"{panel.lesson}-phone")
    assert notebook.controls_out_of_reach() == []


def test_the_form_makes_a_report(desk):
    """Lesson 10: run all, press the button, and read the verdict of the report that was made."""
    chromium, address = desk
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    notebook = browser.Notebook(page, address % "10_report.ipynb")
    notebook.run_all()
    assert notebook.errors() == []
    notebook.press(notebook.slider("Seeds"), "Home")  # one seed
    page.get_by_role("button", name="Run this report").click()
    # Two targets and their baselines.
    page.get_by_text("In a terminal, this makes it").wait_for(timeout=400_000)
    notebook.screenshot("10_report-after")
    assert notebook.errors() == []
    notebook.hold(width=390, height=844)
    assert notebook.controls_out_of_reach() == []
    notebook.shut_down()
    page.close()


def test_the_errors_of_cells_and_panels_are_noticed(desk):
    chromium, address = desk
    page = chromium.new_page()
    notebook = browser.Notebook(page, address % "planted.ipynb")
    notebook.run_all()
    cell, area, panel = notebook.errors()
    assert cell == "WorkbookError: in a cell"
    assert "ZeroDivisionError" in area
    assert panel == "in a panel"
    notebook.shut_down()
    page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", LESSON_FILES, ids=lambda path: path.stem)
def test_everybody_can_use_what_is_stored(desk, path, theme):
    """All outputs of every lesson as they are without a kernel, answers unfolded."""
    chromium, _ = desk
    page = chromium.new_page()
    page.route("**", lambda route: route.abort())  # a page of nbconvert asks for MathJax
    page.set_content(as_page(path, theme))
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert page.locator(browser.OUTPUTS).count() > 3
    assert browser.barriers(page) == []
    page.close()


def as_page(notebook: Path, theme: str) -> str:
    """Return a notebook as nbconvert's HTML."""
    page, _ = HTMLExporter(theme=theme, embed_images=False).from_filename(str(notebook))
    return page


def test_barriers_are_noticed(desk):
    chromium, address = desk
    page = chromium.new_page()
    notebook = browser.Notebook(page, address % "barriers.ipynb")
    notebook.run_all()
    found = sorted(each.partition(":")[0] for each in browser.barriers(notebook.page))
    assert found == ["aria-input-field-name", "image-alt"]
    notebook.shut_down()
    page.close()


@pytest.mark.parametrize(("required", "outcome"), [("1", pytest.fail), ("", pytest.skip)])
def test_without_a_browser_the_reason_is_given(required, outcome, monkeypatch):
    monkeypatch.setattr(browser, "BROWSERS", ("no-such-browser",))
    monkeypatch.setenv("SIMMIM_REQUIRE_BROWSER", required)
    with pytest.raises(outcome.Exception, match="no Chromium found"):
        require_browser()
