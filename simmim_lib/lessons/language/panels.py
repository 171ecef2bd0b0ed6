"""The panels of lesson 07."""

from collections.abc import Iterator

from simmim_lib import datasets
from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.language import contributions, figures
from simmim_lib.lessons.language.contributions import Decision
from simmim_lib.panels.controls import dropdown, text_box
from simmim_lib.panels.panel import Panel, Values
from simmim_lib.pictures.style import Picture
from simmim_lib.trunks import minilm

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
