"""The picture of a sentence: how much each of its words speaks for an answer."""

import numpy as np

from simmim_lib.lessons.open_problems.sentences import Question, Seen
from simmim_lib.pictures.style import COLOURS, Picture, new_figure, shortened, styled


@styled
def word_shares(question: Question, seen: Seen) -> Picture:
    """Draw a bar for each word, up for the answer and down against it.

    Args:
        question: what was asked.
        seen: what was found.
    """
    figure = new_figure(8, 3.4)
    axes = figure.add_axes((0.09, 0.3, 0.88, 0.52))
    places = np.arange(len(seen.words))
    speaks_for = seen.shares >= 0
    for some, role, name in (
        (speaks_for, "source", "speaks for the answer"),
        (~speaks_for, "target", "against it"),
    ):
        axes.bar(places[some], seen.shares[some], 0.8, color=COLOURS[role], label=name)
    axes.axhline(0, color=COLOURS["baseline"], lw=1)
    axes.set_xticks(places, [shortened(word, 12) for word in seen.words], rotation=30, ha="right")
    axes.set(ylabel="share of the logit")
    answer = f'The {question.head} head says "{seen.answer}" ({seen.certainty:.0%})'
    exact = f"; completeness error {seen.error:.0e}" if np.isfinite(seen.error) else ""
    axes.set_title(f"{answer}: {question.method}{exact}", fontsize=11)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.42), ncols=2, fontsize=9)
    shares = ", ".join(
        f"{word} {share:+.2f}" for word, share in zip(seen.words, seen.shares, strict=True)
    )
    return Picture(figure, f"{answer}. {question.method}{exact}. {shares}.")
