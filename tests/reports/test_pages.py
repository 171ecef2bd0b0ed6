"""Pages hold everything they show, show what they were given, and let nothing else in."""

import base64
import copy
import io
from urllib.parse import urlsplit

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from outline import Outline
from PIL import Image

from simmim_lib.pictures.style import Picture, image_as_html, new_figure
from simmim_lib.reports import pages

HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(2)>&"quoted"'


@pytest.mark.parametrize(
    "html",
    [
        pages.paragraph(HOSTILE),
        pages.heading(HOSTILE),
        pages.preformatted(HOSTILE),
        pages.table([HOSTILE, "b"], [["c", "d"]]),
        pages.table(["a", "b"], [[HOSTILE, "d"]]),
        pages.table(["a", "b"], [["c", HOSTILE]], "what it shows"),
        pages.table(["a", "b"], [["c", "d"]], HOSTILE),
        image_as_html(b"", HOSTILE),
        image_as_html(b"", "", HOSTILE),
        pages.Paragraph(HOSTILE)._repr_html_(),
        pages.Paragraph(HOSTILE, strong=True)._repr_html_(),
    ],
)
def test_plain_text_stays_plain_text(html):
    seen = Outline(html)
    assert not seen.all("script")
    assert all("onerror" not in attributes for _, attributes in seen.tags)
    told = seen.text + "".join(each["alt"] or "" for each in seen.all("img"))
    assert HOSTILE in told


def test_a_page_is_whole_titled_and_refuses_what_is_from_elsewhere():
    page = pages.page(HOSTILE, [pages.paragraph("one"), pages.paragraph("two")])
    seen = Outline(page)
    assert page.startswith("<!DOCTYPE html>")
    assert seen.all("html") == [{"lang": "en"}]
    assert not seen.all("script") and not seen.all("img") and not seen.all("link")
    policies = [each for each in seen.all("meta") if "http-equiv" in each]
    assert policies[0]["content"].startswith("default-src 'none'")
    assert "url(" not in pages.STYLE and "@import" not in pages.STYLE
    for query in ("prefers-color-scheme: dark", "@media print", "max-width: 40rem"):
        assert query in page
    assert len(seen.all("h1")) == 1 and seen.text.index("one") < seen.text.index("two")


def test_a_figure_is_inside_with_its_alternative_text():
    figure = new_figure(2, 1)
    (image,) = Outline(pages.figure(Picture(figure, "A & B"))).all("img")
    kind, _, encoded = image["src"].partition(",")
    assert kind == "data:image/png;base64"
    assert Image.open(io.BytesIO(base64.b64decode(encoded))).size == (200, 100)
    assert image["alt"] == "A & B"


def test_a_table_says_what_its_cells_belong_to():
    seen = Outline(pages.table(["way", "accuracy"], [["probe", "0.5"], ["scratch", "0.4"]], "All"))
    assert [each["scope"] for each in seen.all("th")] == ["col", "col", "row", "row"]
    assert len(seen.all("td")) == 2 and len(seen.all("caption")) == 1
    assert (
        repr(pages.Table(["way", "is"], [["probe", "0.5"]], "All")) == "All\nway    is\nprobe  0.5"
    )


def notebook():
    png = base64.b64encode(pages_png()).decode()
    data = {
        "image": {"image/png": png, "text/plain": "a picture"},
        "table": {"text/html": pages.table(["a", "b"], [["c", "d"]]), "text/plain": "a b"},
        "hostile": {"text/html": HOSTILE, "text/javascript": "alert(3)", "text/plain": "plain"},
        "marked": {"text/markdown": "**bold** " + HOSTILE, "text/plain": "bold"},
        "plain": {"text/plain": HOSTILE},
    }
    outputs = [new_output("display_data", data=each) for each in data.values()]
    outputs[0].metadata["image/png"] = {"alt": "what it shows"}
    outputs.append(new_output("stream", name="stdout", text="printed"))
    outputs.append(new_output("stream", name="stderr", text="a warning"))
    cells = [
        new_markdown_cell(f"## A heading\n\nText with `code` and {HOSTILE}"),
        new_markdown_cell("only for the lesson", metadata={"tags": ["lesson"]}),
        new_code_cell("secret = 1 < 2", outputs=outputs),
    ]
    return new_notebook(cells=cells)


def pages_png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (3, 2)).save(buffer, "png")
    return buffer.getvalue()


def test_a_notebook_becomes_a_page_without_its_dangers():
    given = notebook()
    before = copy.deepcopy(given)
    html = "\n".join(pages.of_notebook(given, without=["lesson"]))
    seen = Outline(html)
    assert {tag for tag, _ in seen.tags} <= pages.TAGS | {"figure", "img"}
    assert [each["alt"] for each in seen.all("img")] == ["what it shows"]
    assert seen.all("img")[0]["src"].startswith("data:image/png;base64,")
    assert all(not name.startswith("on") for _, each in seen.tags for name in each)
    for told in ("A heading", "printed", "bold", "alert(1)"):  # the hostile text is shown, as text
        assert told in seen.text
    for hidden in ("only for the lesson", "a warning", "secret", "alert(3)"):
        assert hidden not in html
    assert len(seen.all("table")) == 1 and seen.all("strong") == [{}]
    assert given == before


def test_code_is_shown_when_asked_for():
    assert "secret = 1 &lt; 2" in "\n".join(pages.of_notebook(notebook(), code=True))


def of_markdown(source: str) -> list[str]:
    """Return the pages of a text, as a lesson's cell and as what another cell shows."""
    output = new_output("display_data", data={"text/markdown": source, "text/plain": ""})
    html = {"text/html": source, "text/plain": ""}
    cells = [new_markdown_cell(source), new_code_cell("", outputs=[output])]
    cells.append(new_code_cell("", outputs=[new_output("display_data", data=html)]))
    return ["\n".join(pages.of_notebook(new_notebook(cells=[cell]))) for cell in cells]


@pytest.mark.slow
@pytest.mark.parametrize(
    "source",
    [
        "[here](javascript:alert(1))",
        "[here](JaVaScRiPt:alert(1))",
        "[here](java&#x09;script:alert(1))",
        "[here](&#106;avascript:alert(1))",
        "[here](data:text/html,<script>alert(1)</script>)",
        "[here](vbscript:msgbox)",
        "[here](file:///etc/passwd)",
        "[here][there]\n\n[there]: javascript:alert(1)",
        "<javascript:alert(1)>",
        "![here](javascript:alert(1))",
        "![here](https://example.org/counts-you.png)",
        '<a href="javascript:alert(1)">here</a>',
        '<a href=" &#14; javascript:alert(1)">here</a>',
        '<a href="https://example.org" onclick="alert(1)">here</a>',
        '<p style="position:fixed">here</p>',
        "<svg onload=alert(1)>",
        "<math><mtext><style><img src=x onerror=alert(1)>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "<form action=https://example.org><button>here</button></form>",
        "<details open ontoggle=alert(1)>",
        "```html\n<script>alert(1)</script>\n```",
        "`<script>alert(1)</script>`",
        "# <script>alert(1)</script>",
        "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
        "$<img src=x onerror=alert(1)>$",
        "```mermaid\n<img src=x onerror=alert(1)>\n```",
    ],
)
def test_nothing_in_a_text_comes_alive(source):
    for html in of_markdown(source):
        seen = Outline(html)
        assert {tag for tag, _ in seen.tags} <= pages.TAGS, html
        for _, attributes in seen.tags:
            assert attributes.keys() <= {"href", "class", "scope", "id"}, html
            assert urlsplit(attributes.get("href", "")).scheme in ("", "https"), html


@pytest.mark.parametrize(
    ("source", "tag"),
    [
        ("[here](https://example.org)", "a"),
        ("**bold**", "strong"),
        ("*bent*", "em"),
        ("~~not~~", "del"),
        ("# One", "h1"),
        ("##### Five", "h5"),
        ("- a", "li"),
        ("| a |\n|---|\n| b |", "td"),
        ("> said", "blockquote"),
        ("```python\na = 1 < 2\n```", "pre"),
    ],
)
def test_what_belongs_into_a_text_stays(source, tag):
    assert Outline(of_markdown(source)[0]).all(tag)


UNSEEN = "a\x00b\x1b]0;t\x07\u202ec\u200f\ud800\udcff"
SHOWN = r"a\x00b\x1b]0;t\x07\u202ec\u200f\ud800\udcff"


@pytest.mark.parametrize(
    "html",
    [
        pages.page(UNSEEN, []),
        pages.paragraph(UNSEEN),
        pages.heading(UNSEEN),
        pages.preformatted(UNSEEN),
        pages.table([UNSEEN, "b"], [["c", "d"]]),
        pages.table(["a", "b"], [[UNSEEN, "d"]]),
        pages.table(["a", "b"], [["c", "d"]], UNSEEN),
        image_as_html(b"", UNSEEN),
        image_as_html(b"", "", UNSEEN),
        Picture(new_figure(1, 1), UNSEEN).alt,
        pages.Paragraph(UNSEEN)._repr_html_(),
        repr(pages.Paragraph(UNSEEN)),
        repr(pages.Table(["a"], [[UNSEEN]])),
        *of_markdown(UNSEEN),
    ],
)
def test_what_cannot_be_seen_is_shown_on_a_page(html):
    assert SHOWN in html and html.encode()


@pytest.mark.parametrize("mark", ["&#x202e;", "&#8238;", "&rlm;", "&#x200F;", "&lrm;", "&#x1b;"])
def test_marks_written_as_entities_are_shown_too(mark):
    for html in of_markdown(f"a{mark}b &lt;i&gt; &amp; c"):
        text = Outline(html).text
        assert all(sign.isprintable() or sign == "\n" for sign in text) and "<i> & c" in text
        assert not Outline(html).all("i")
