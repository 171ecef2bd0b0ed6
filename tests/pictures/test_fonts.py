"""Letters that a font lacks are drawn in one that has them, or else stand beside the figure."""

import io
import warnings

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib.font_manager import FontProperties, fontManager
from outline import Outline
from PIL import Image

from simmim_lib.pictures import fonts
from simmim_lib.pictures.style import Picture, image_as_html, new_figure, styled
from simmim_lib.reports import pages

pytestmark = [pytest.mark.colab, pytest.mark.floors]

HAD, LACKED = "\U0010abcd", "\U0010abce"
"""Signs for private use, which no font has but the one made here, and which none has."""

FAMILY = "Private Signs"


def square() -> object:
    pen = TTGlyphPen(None)
    for place in ((0, 0), (0, 900), (900, 900), (900, 0)):
        (pen.moveTo if place == (0, 0) else pen.lineTo)(place)
    pen.closePath()
    return pen.glyph()


@pytest.fixture
def private_font(tmp_path):
    """A font with a black square for one sign, as matplotlib lists it."""
    font = FontBuilder(1000)
    font.setupGlyphOrder([".notdef", "square"])
    font.setupCharacterMap({ord(HAD): "square"})
    font.setupGlyf({".notdef": square(), "square": square()})
    font.setupHorizontalMetrics({".notdef": (1000, 0), "square": (1000, 0)})
    font.setupHorizontalHeader(ascent=900, descent=-100)
    font.setupNameTable({"familyName": FAMILY, "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(tmp_path / "private.ttf")
    fontManager.addfont(tmp_path / "private.ttf")
    yield tmp_path / "private.ttf"
    fontManager.ttflist[:] = [each for each in fontManager.ttflist if each.name != FAMILY]
    fontManager._findfont_cached.cache_clear()


@styled
def picture(*names: str) -> Picture:
    figure = new_figure(4, 2)
    for row, name in enumerate(names):
        figure.text(0.1, 0.8 - 0.3 * row, name, fontsize=20)
    return Picture(figure, ", ".join(names))


def ink(drawn: Picture) -> int:
    return int((np.asarray(Image.open(io.BytesIO(drawn.png())).convert("L")) < 128).sum())


def test_letters_are_drawn_in_the_font_that_has_them(private_font):
    assert fonts.families({HAD, LACKED}) == {HAD: FAMILY}
    drawn = picture(f"a{HAD}")
    assert drawn.beside == ""
    side = 0.9 * 20 / 72 * 100  # of the square, in pixels
    assert ink(drawn) - ink(picture("a")) == pytest.approx(side**2, rel=0.1)


def test_a_font_that_is_gone_or_damaged_is_passed_over(private_font):
    private_font.write_bytes(b"no font")
    assert fonts.families({"\U0010abcf"}) == {}  # all fonts are looked through


def test_a_font_that_is_installed_later_is_found(private_font):
    fontManager.ttflist[:] = [each for each in fontManager.ttflist if each.name != FAMILY]
    assert fonts.families({HAD}) == {}
    fontManager.addfont(private_font)
    assert fonts.families({HAD}) == {HAD: FAMILY}


def test_signs_of_matplotlib_s_own_font_are_the_same_on_every_machine():
    assert fonts.lacking("a→×", FontProperties(family="DejaVu Sans")) == set()
    assert fonts.families({"→"}) == {"→": "DejaVu Sans"}


def test_names_without_a_font_have_numbers_and_stand_beside_the_figure():
    fonts.tell_that_letters_are_missing.cache_clear()
    one, other = LACKED * 2, f"{LACKED}é"
    drawn = picture(f"to {one}", other, f"of {one}")
    with pytest.warns(UserWarning, match="fonts-noto-cjk") as caught:
        assert drawn.beside == f"[1] {one}, [2] {other}"
    assert len(caught) == 1
    expected = picture("to [1]", "[2]", "of [1]")
    assert drawn.png() == expected.png() and expected.beside == ""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert picture(one).beside == f"[1] {one}"  # said once


def test_signs_that_only_join_others_need_no_font():
    assert picture("a\u200db ☃\ufe0f").beside == ""


def test_what_stands_beside_is_shown_wherever_the_figure_is():
    drawn = picture(f"<b>{LACKED}")
    data, metadata = drawn._repr_mimebundle_()
    beside = f"[1] {LACKED}"
    assert beside in str(data["text/html"]) and metadata["image/png"]["beside"] == beside
    assert beside in Outline(pages.figure(drawn)).text
    assert "figcaption" not in str(picture("a")._repr_mimebundle_()[0]["text/html"])
    assert "&lt;b&gt;" in image_as_html(b"", "", "<b>")
