"""A question: buttons where there is a kernel, its text without one, and nothing told too early."""

import dataclasses
import re

import pytest
from widget_driver import click, find, send

from simmim_lib.errors import WorkbookError
from simmim_lib.exercises import predict, predictions, questions, score, scores
from simmim_lib.exercises.questions import Answer, Choice, Estimate, Option, Ordering, letter
from simmim_lib.panels.panel import Panel
from simmim_lib.pictures.style import Picture, new_figure
from simmim_lib.pictures.tables import Table

pytestmark = pytest.mark.colab

OPTIONS = (
    Option("one in *ten*", "You thought of guessing."),
    Option("half", "You thought of a coin."),
    Option("all", "You thought of learning by heart."),
)
COLOUR = Choice("97-colour", "How many of $n$ are <b>right</b>?", OPTIONS)
SHARE = Estimate("97-share", "Which share?", 0, 100, 5, "Too low.", "Too high.", "Close.", "%")
WEIGHTS = Estimate("97-weights", "How many?", 1, 1e6, 2, "Low.", "High.", "Near.", logarithmic=True)
ORDER = Ordering("97-order", "From small to large?", OPTIONS)
PLANTED = {
    "97-colour": (COLOUR, lambda share=0.5: Answer(letter(share >= 0.5, share == 1), "Because.")),
    "97-share": (SHARE, lambda: Answer(40, "Because.")),
    "97-weights": (WEIGHTS, lambda: Answer(1000, "Because.")),
    "97-order": (ORDER, lambda: Answer("cab", "Because.")),
}


@pytest.fixture(autouse=True)
def planted(monkeypatch):
    """A lesson of four questions, and nothing predicted yet."""
    monkeypatch.setattr(scores, "RECORDS", {})
    monkeypatch.setattr(scores, "_shown", {})
    monkeypatch.setattr(predictions, "find_question", PLANTED.__getitem__)
    monkeypatch.setattr(scores, "questions_of", lambda lesson: list(PLANTED))


def picture():
    return Picture(new_figure(1, 1), "A figure that tells.")


def text_of(widget):
    """Return everything that a widget shows, its buttons included."""
    children = getattr(widget, "children", ())
    own = getattr(widget, "value", "") or getattr(widget, "description", "")
    return " ".join([str(own), *map(text_of, children)])


def button(asked, description):
    return find(asked.view, description)


def test_nothing_is_told_before_the_click():
    asked = predict("97-colour", picture(), Table(["secret"], [[0.5]]))
    shown = text_of(asked.view)
    assert "one in <em>ten</em>" in shown and "(c)" in shown
    for early in ("Because", "Explain", "You thought", "figure that tells", "secret", "✓"):
        assert early not in shown


@pytest.mark.parametrize(
    ("label", "says"),
    [("(a)", "✗ Wrong.</strong> You thought of guessing."),
     ("(b)", "✓ Right.</strong> You thought of a coin."),
     ("(c)", "✗ Wrong.</strong> You thought of learning by heart.")],
)  # fmt: skip
def test_every_option_has_its_own_sentence(label, says):
    asked = predict("97-colour")
    click(button(asked, label))
    assert says in text_of(asked.view)


def test_a_right_guess_shows_all_that_was_kept_back():
    asked = predict("97-colour", picture(), Table(["secret"], [[0.5]]), "printed")
    click(button(asked, "(b)"))
    shown = text_of(asked.view)
    assert 'alt="A figure that tells."' in shown
    assert shown.index("secret") < shown.index("printed") < shown.index("Because.")
    assert "<strong>Explain.</strong> (b) half" in shown


def test_a_second_try_is_allowed_and_not_counted():
    asked = predict("97-colour")
    click(button(asked, "(a)"))
    assert "Because" not in text_of(asked.view)
    assert asked.give_up.layout.display == ""
    click(button(asked, "(b)"))
    assert "Because" in text_of(asked.view)
    assert {"97-colour": scores.Record("a", False)} == scores.RECORDS


def test_who_is_wrong_may_ask_for_the_answer():
    asked = predict("97-colour")
    assert asked.give_up.layout.display == "none"
    click(button(asked, "(c)"))
    click(asked.give_up)
    assert "Because" in text_of(asked.view)
    assert asked.give_up.layout.display == "none"


def test_the_answer_depends_on_what_was_measured():
    asked = predict("97-colour", share=0.1)
    assert asked.answer.right == "a"


@pytest.mark.parametrize(
    ("name", "guess", "says"),
    [
        ("97-share", 34, "Too low."),
        ("97-share", 35, "Close."),
        ("97-share", 45, "Close."),
        ("97-share", 46, "Too high."),
        ("97-weights", 499, "Low."),
        ("97-weights", 501, "Near."),
        ("97-weights", 1999, "Near."),
        ("97-weights", 2001, "High."),
    ],
)
def test_a_number_is_judged_by_its_distance(name, guess, says):
    asked = predict(name)
    slider = find(asked.view, "My guess")
    send(slider, value=guess)
    click(button(asked, "That is my guess"))
    assert scores.RECORDS[name].right == (says in ("Close.", "Near."))
    assert f"</strong> {says}" in text_of(asked.view)


@pytest.mark.parametrize(("right", "start"), [(40, 0), (5, 100), (0, 100), (100, 0)])
def test_a_slider_begins_at_an_end_that_is_wrong(monkeypatch, right, start):
    monkeypatch.setitem(PLANTED, "97-share", (SHARE, lambda: Answer(right, "Because.")))
    assert find(predict("97-share").view, "My guess").value == start


@pytest.mark.parametrize(
    ("number", "written"),
    [(0, "0"), (0.0003, "0.0003"), (43.21, "43.2"), (853.7, "854"), (1e6, "1,000,000")],
)
def test_a_number_is_written_as_people_write_it(number, written):
    wide = dataclasses.replace(WEIGHTS, least=number, most=10 * number)
    assert wide.listed().startswith(f"Between {written} and ")
    assert wide.in_words(number) == written


def test_an_order_is_pressed_from_first_to_last():
    asked = predict("97-order")
    for label in ("(c)", "(a)"):
        click(button(asked, label))
    assert scores.RECORDS == {}
    assert "Your order: (c), (a); press one again to take it out." in text_of(asked.view)
    click(button(asked, "(b)"))
    assert "Your order: (c), (a), (b)" in text_of(asked.view)
    assert {"97-order": scores.Record("cab", True)} == scores.RECORDS
    assert "all, then one in" in text_of(asked.view)


def test_what_was_pressed_by_mistake_is_taken_out_again():
    asked = predict("97-order")
    for label in ("(b)", "(b)"):
        click(button(asked, label))
    assert "Press what comes first, then what comes next." in text_of(asked.view)
    for label in ("(b)", "(c)", "(b)", "(a)", "(b)"):
        click(button(asked, label))
    assert {"97-order": scores.Record("cab", True)} == scores.RECORDS


def test_of_a_wrong_order_the_first_misplaced_is_explained():
    asked = predict("97-order")
    for label in ("(c)", "(b)", "(a)"):
        click(button(asked, label))
    assert "✗ Wrong.</strong> You thought of a coin." in text_of(asked.view)
    for label in ("(c)", "(a)", "(b)"):  # the second try begins anew
        click(button(asked, label))
    assert "✓ Right." in text_of(asked.view)


def panel_of(value):
    return Panel({}, lambda values, progress: iter([Picture(new_figure(1, 1), value)]))


@pytest.fixture
def outputs(monkeypatch):
    """What is handed to the notebook, without one."""
    shown = []

    class Handle:
        def update(self, data, raw):
            shown.append(data)

    def display(data, *, raw, display_id=None):
        shown.append(data)
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    return shown


def test_without_a_kernel_the_question_stands_there_and_its_answer_is_folded(outputs):
    predict("97-colour", picture(), panel_of("A panel's picture."))._ipython_display_()
    page = outputs[0]["text/html"]
    question, _, folded = page.partition("<details>")
    assert "(a) one in <em>ten</em>" in question
    assert "Because" not in question and "Because" in folded
    assert 'alt="A figure that tells."' in folded and 'alt="A panel\'s picture."' in folded.replace(
        "&#x27;", "'"
    )
    assert "Because" not in outputs[0]["text/plain"]
    first, *others = re.findall(r"<summary>(.*?)</summary>(.*?)</details>", question, re.DOTALL)
    assert first[0].startswith("(a)") and "Wrong." in first[1]
    assert not any("<p>" in summary or "</p>" in summary for summary, _ in (first, *others))
    assert sum("Right." in said for _, said in others) == 1
    assert "application/vnd.jupyter.widget-view+json" in outputs[0]


def test_the_notebook_keeps_the_first_guess(outputs):
    asked = predict("97-colour")
    asked._ipython_display_()
    assert outputs[1][predictions.RECORD_TYPE] == {"question": "97-colour"}
    click(button(asked, "(a)"))
    click(button(asked, "(b)"))
    assert [each[predictions.RECORD_TYPE] for each in outputs[2:]] == [
        {"question": "97-colour", "guess": "a", "right": False}
    ]


def test_a_panel_stays_live():
    panel = panel_of("A panel.")
    asked = predict("97-colour", panel)
    asked.guess("b")
    assert panel.view in asked.kept_back.children


def test_the_score_follows_the_guesses():
    shown = score("97")
    assert "You predicted 0 of 4; 4 are not answered yet." in shown.view.value
    predict("97-colour").guess("b")
    predict("97-share").guess(99)
    predict("97-weights").guess(1000)
    assert "You predicted 2 of 4; 1 is not answered yet." in shown.view.value
    links = re.findall('href="#question-(.+?)"', shown.view.value)
    assert links == ["97-share", "97-order"]
    assert f'id="question-{links[0]}"' in text_of(predict(links[0]).view)
    predict("97-order").guess("cab")
    assert str(shown) == "You predicted 3 of 4."


def test_what_nobody_could_guess_is_refused(monkeypatch):
    for name, right in (("97-colour", "d"), ("97-share", 101), ("97-order", "ab")):
        asked, _ = PLANTED[name]
        monkeypatch.setitem(PLANTED, name, (asked, lambda right=right: Answer(right, "")))
        with pytest.raises(WorkbookError, match=name):
            predict(name)


def test_an_unknown_question_is_refused_with_the_nearest():
    with pytest.raises(WorkbookError, match="Did you mean '01-first-pass'"):
        questions.find_question("01-frist-pass")
    with pytest.raises(WorkbookError, match="Unknown question 5"):
        questions.find_question(5)


@pytest.mark.parametrize(
    ("conditions", "right"),
    [
        ((), "a"),
        ((False, False), "a"),
        ((True, False), "b"),
        ((True, True), "c"),
    ],
)
def test_the_last_condition_that_holds_is_the_letter(conditions, right):
    assert letter(*conditions) == right
