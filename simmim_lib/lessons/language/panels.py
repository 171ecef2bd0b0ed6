"""The panels of lesson 07."""

from collections.abc import Iterator

from simmim_lib import datasets
from simmim_lib.foundation.progress import Progress
from simmim_lib.language import next_tokens, sample
from simmim_lib.lessons.language import contributions, figures, study_results
from simmim_lib.lessons.language.contributions import Decision
from simmim_lib.lessons.language.studies import COUNTS
from simmim_lib.panels.controls import dropdown, slider, text_box
from simmim_lib.panels.panel import Panel, Values
from simmim_lib.pictures.style import Picture
from simmim_lib.trunks import minilm

SENTENCE_WIDTH = "660px"
"""Of a box for a whole sentence; on a phone it is as wide as the screen."""

FIRST_SENTENCE = "The food was not bad at all, but the waiter was slow."


def words_behind(sentence: str = FIRST_SENTENCE, method: str = "counts of words") -> Panel:
    """Return the panel that opens a decision on a sentence down to its words.

    Args:
        sentence: what is in the box at first.
        method: the one chosen at first, a key of `contributions.METHODS`.
    """
    methods = [name for name in contributions.METHODS if name != "MiniLM" or minilm.is_there()]
    controls = {
        "sentence": text_box("Sentence", sentence),
        "method": dropdown("Method", methods, method),
    }
    controls["sentence"].layout.width = SENTENCE_WIDTH
    return Panel(controls, _decisions)


def _decisions(values: Values, progress: Progress) -> Iterator[Picture]:
    decisions = contributions.decide(values["method"], values["sentence"])
    titles = {name: datasets.describe(name).title for name in decisions}
    if values["method"] == "word list":  # knows no domains
        decisions = {name: decisions[name] for name in list(decisions)[:1]}
        titles = dict.fromkeys(decisions, "every domain")
    words = next(iter(decisions.values())).words
    yield figures.words_behind(
        words,
        {titles[name]: each.parts for name, each in decisions.items()},
        {titles[name]: sum_in_words(each) for name, each in decisions.items()},
        f"What each word adds, by {values['method']}",
    )


def sum_in_words(decision: Decision) -> str:
    """Return the sum behind a decision: where it starts, what words add, and what comes of it."""
    words = f"words {decision.parts.sum():+.2f}"
    if decision.probability is None:
        verdict = "negative" if decision.total < 0 else "positive"
        return f"{words}: {verdict}"
    start = f"start {decision.start:+.2f}" if decision.start else f"together {decision.rest:+.2f}"
    return f"{start}, {words}\n= {decision.total:+.2f}: {decision.probability:.0%} positive"


def ways_to_learn() -> Panel:
    """Return the panel that compares every way of learning, by domain and number of labels.

    It shows stored results: to compute one of them takes longer than a slider can wait.
    """
    titles = [(title, name) for name, title in study_results.TITLES.items()]
    controls = {
        "target": dropdown("Domain", titles, "amazon"),
        "labels": slider("Labels per class", COUNTS, 8),
    }
    return Panel(controls, _ways)


def _ways(values: Values, progress: Progress) -> Iterator[Picture]:
    yield study_results.ways_figure(values["target"], values["labels"])


TEMPERATURES = (0.2, 0.5, 0.8, 1.0, 1.3, 2.0)

LIKELIEST = 10
"""Next tokens that are drawn as bars."""


def temperature(start: str = "The city is the capital of") -> Panel:
    """Return the panel that lets the language model go on with a text.

    Args:
        start: what is in the box at first.
    """
    controls = {
        "start": text_box("Text", start),
        "temperature": slider("Temperature", TEMPERATURES, 0.8),
        "seed": slider("Seed", range(6), 0),
    }
    controls["start"].layout.width = SENTENCE_WIDTH
    return Panel(controls, _continued)


def _continued(values: Values, progress: Progress) -> Iterator[Picture]:
    start, heat = values["start"], values["temperature"]
    likeliest = next_tokens(start, heat)[:LIKELIEST]
    yield figures.continued(likeliest, sample(start, heat, seed=values["seed"]), heat)
