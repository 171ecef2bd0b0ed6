"""The site: every lesson and page is there, stands alone, and says what the results say."""

import html
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from simmim_lib.lessons import LESSONS

ROOT = Path(__file__).parents[2]
MAX_BYTES = 1_500_000

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("myst_nb") is None, reason="the extra `site` is not installed"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    options = ["--fail-on-warning", "--keep-going", "-q", "-E", "-c", "docs", "-b", "html"]
    words = [sys.executable, "-m", "sphinx", *options, ".", str(folder)]
    made = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr[-3000:]
    return folder


def pages(site: Path) -> dict[str, str]:
    return {str(path.relative_to(site)): path.read_text() for path in site.rglob("*.html")}


@pytest.mark.slow
def test_every_lesson_and_page_is_there_and_light(site):
    found = pages(site)
    for lesson in LESSONS:
        page = found[f"notebooks/{lesson.name}.html"]
        assert lesson.title in page
    made = {f"docs/made/{name}.html" for name in ("results", "speed", "library")}
    assert {"docs/index.html", *made} <= {*found}
    heavy = {name: len(page) for name, page in found.items() if len(page.encode()) > MAX_BYTES}
    assert not heavy


@pytest.mark.slow
def test_no_page_asks_another_host_for_anything(site):
    loads = "script|img|link|iframe|source|video"
    asked = re.compile(rf"""<(?:{loads})\b[^>]*?(?:src|href)=["'](?://|http)""")
    assert asked.search('<img alt="" src="https://elsewhere/badge.svg">')
    for name, page in pages(site).items():
        assert not asked.findall(page), name
    for sheet in site.rglob("*.css"):
        assert "@import url(http" not in sheet.read_text() and "url(http" not in sheet.read_text()


@pytest.mark.slow
def test_formulas_are_drawn_in_texts_and_in_outputs(site):
    page = pages(site)["notebooks/02_loss_formula.html"]
    assert page.count("<math") > 50
    outside = re.sub(r"(?s)<pre.*?</pre>|<annotation.*?</annotation>|<script.*?</script>", "", page)
    assert not re.findall(r"\$[^$<>\n]{1,60}\$", outside)


@pytest.mark.slow
def test_tables_are_tables_in_outputs_too(site):
    found = pages(site)
    assert "<td><p>0.65</p></td>" in found["notebooks/08_masked_images.html"].replace("\n", "")
    assert not [name for name, page in found.items() if "<p>| " in page]


@pytest.mark.slow
def test_questions_can_be_answered_without_a_kernel_and_plumbing_is_folded(site):
    page = pages(site)["notebooks/01_transfer_learning.html"]
    assert page.count("<summary>Answer</summary>") >= 5
    assert "Install the helpers" not in page
    assert 'class="hide above-input' in page or "hide-input" in page


@pytest.mark.slow
def test_unpublished_badges_lead_nowhere_so_there_are_none(site):
    assert not any("OWNER/REPO" in page for page in pages(site).values())


@pytest.mark.slow
def test_results_are_those_that_are_stored(site):
    page = re.sub(r"<[^>]+>", "", pages(site)["docs/made/results.html"])
    for path in (ROOT / "data" / "results").glob("*.json"):
        study = json.loads(path.read_text())
        if "records" in study:
            assert study["command"] in page and study["name"] in page
    from simmim_lib.foundation.intervals import mean_and_interval
    from simmim_lib.studies import stored

    first = stored.load("gentle-fine-tuning").records[0]
    assert mean_and_interval(first.values()) in page


@pytest.mark.slow
def test_speed_is_as_it_was_measured(site):
    page = pages(site)["docs/made/speed.html"]
    told = html.unescape(re.sub(r"<[^>]+>", "", page)).replace(
        "\N{RIGHT SINGLE QUOTATION MARK}", "'"
    )
    for name in ("bench", "growth", "trunk-speeds"):
        table = json.loads((ROOT / "data" / "results" / f"{name}.json").read_text())
        assert table["command"] in told
        for row in table["rows"]:
            assert row["measured"].partition(";")[0] in told and row["what"] in told, row["what"]
    assert "How the seconds of an experiment grow." in page


@pytest.mark.slow
def test_whoever_names_no_page_comes_to_the_first_one(site):
    (leads,) = re.findall(r'url=([^"]+)"', (site / "index.html").read_text(encoding="utf-8"))
    assert (site / leads).is_file()


@pytest.mark.slow
def test_links_within_the_site_lead_somewhere(site):
    for name, page in pages(site).items():
        for link in re.findall(r'href="([^"#:]+)(?:#[^"]*)?"', page):
            target = (site / name).parent / link.split("?")[0]
            assert target.exists(), f"{name}: {link}"


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_the_pages(site, chromium, scheme):
    """The outputs of the lessons have a test of their own, so that one of them stands for all.

    Sphinx's search has no heading of the first level. In the dark, the first section stands for the
    whole of a page that takes a minute.
    """
    from browser import barriers

    lesson = site / "notebooks" / "01_transfer_learning.html"
    pages = [path for path in site.rglob("*.html") if path.parent != lesson.parent]
    pages = [path for path in pages if path.stem != "search" and "_static" not in path.parts]
    pages = [path for path in pages if path != site / "index.html"]  # which nobody stays on
    for path in (lesson, *pages):
        page = chromium.new_page(color_scheme=scheme)
        page.goto(path.as_uri())
        one_section = scheme == "dark" and path.stem in ("results", "library")
        part = "article section section:first-of-type" if one_section else "body"
        assert barriers(page, part) == [], path.name
        page.close()


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("name", ["learn", "fight", "threshold", "triangle", "hide"])
def test_a_live_page_answers_each_of_its_controls_without_a_kernel(site, chromium, name):
    page = chromium.new_page()
    wrong: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((site / "docs" / f"{name}.html").as_uri())
    picture = page.locator(f"#{name} canvas")

    def told_anew() -> str:
        """Return what the picture shows, in words, once it has been drawn and told again."""
        page.wait_for_function("picture => picture.ariaLabel", arg=picture.element_handle())
        words = picture.get_attribute("aria-label")
        picture.evaluate("picture => picture.removeAttribute('aria-label')")
        return words

    told = [told_anew()]
    for slider in page.locator(".live-controls input").all():
        for key in ("Home", "End"):
            before = slider.input_value()
            slider.press(key)
            if slider.input_value() != before:
                told.append(told_anew())
    for choice in page.locator(".live-controls select").all():
        choice.select_option(index=1)
        told.append(told_anew())
    assert len({*told}) > len(told) / 2
    assert wrong == []
    assert {url.partition(":")[0] for url in asked} == {"file"}
    page.close()
