"""Figures of lesson 07. They draw what they are given, and compute nothing but means."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib.errors import printable
from simmim_lib.foundation.intervals import Difference, intervals, mean_and_interval
from simmim_lib.pictures.charts import error_bars
from simmim_lib.pictures.style import (
    COLOURS,
    Picture,
    legend_entry,
    new_figure,
    shortened,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curves = Mapping[str, Mapping[int, np.ndarray]]
"""By way of learning, then by labels of each class: one accuracy for each seed."""

Gain = Callable[[str, int], Difference]
"""From a domain and the labels of each class to a difference."""

LOOKS = (("target", "o", "-"), ("trained", "s", "-"), ("frozen", "^", "-"), ("baseline", "v", "--"))
"""Colour, marker and line of each curve; the last is that of counted words."""


@styled
def by_labels(
    domains: Mapping[str, Curves], word_lists: Mapping[str, np.ndarray], title: str
) -> Picture:
    """Draw accuracy by labels of each class, beside each other for several domains.

    Args:
        domains: by name, its curves; the last one is drawn as the baseline.
        word_lists: by domain, the accuracy of a list of words, which needs no label.
        title: what was measured.
    """
    figure = new_figure(9, 3.9)
    figure.text(0.01, 0.985, title, va="top", fontsize=12)
    axes_of = figure.subplots(1, len(domains), sharey=True)
    for axes, (name, curves) in zip(np.atleast_1d(axes_of), domains.items(), strict=True):
        _draw(axes, curves)
        axes.axhline(word_lists[name].mean(), ls=":", color="black", label="word list, no label")
        axes.set(title=shortened(name), xlabel="labels of each class")
    first = figure.axes[0]
    first.set_ylabel("test accuracy")
    handles, labels = first.get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=3, fontsize=9)
    figure.subplots_adjust(left=0.075, right=0.99, top=0.82, bottom=0.32, wspace=0.08)
    return Picture(figure, _in_words(domains, word_lists, title))


def _draw(axes: "Axes", curves: Curves) -> None:
    looks = [*LOOKS[: len(curves) - 1], LOOKS[-1]]
    for (way, values), (colour, marker, line) in zip(curves.items(), looks, strict=True):
        counts = sorted(values)
        means, halves = intervals([values[count] for count in counts])
        axes.errorbar(
            counts,
            means,
            error_bars(halves),
            fmt=line + marker,
            color=COLOURS[colour],
            markeredgecolor="black",
            markeredgewidth=0.5,
            capsize=2,
            label=legend_entry(way),
        )
    axes.set_xscale("log")
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()


def _in_words(
    domains: Mapping[str, Curves], word_lists: Mapping[str, np.ndarray], title: str
) -> str:
    sentences = [
        f"{name}, {way}: "
        + "; ".join(f"{count}: {mean_and_interval(values[count])}" for count in sorted(values))
        for name, curves in domains.items()
        for way, values in curves.items()
    ]
    sentences += [f"{name}, word list: {values.mean():.3f}" for name, values in word_lists.items()]
    return f"Test accuracy by labels of each class. {title}. {'. '.join(sentences)}."


@styled
def who_teaches_whom(tables: Mapping[str, np.ndarray], names: Sequence[str], title: str) -> Picture:
    """Draw accuracies by the domain that was learnt from and the one that was tested.

    Args:
        tables: by method, accuracies (learnt from, tested on, seeds).
        names: of the domains.
        title: what was measured.
    """
    figure = new_figure(8, 3.6)
    figure.text(0.01, 0.985, title, va="top", fontsize=12)
    for number, (method, table) in enumerate(tables.items()):
        axes = figure.add_axes((0.2 + 0.42 * number, 0.17, 0.33, 0.6))
        axes.imshow(table.mean(axis=-1), vmin=0.5, vmax=0.9, aspect="auto")
        axes.set_xticks(range(len(names)), [shortened(name) for name in names])
        axes.set_yticks(range(len(names)), [shortened(n) if number == 0 else "" for n in names])
        axes.grid(visible=False)
        axes.set(title=shortened(method), xlabel="tested on")
        for row, column in np.ndindex(len(names), len(names)):
            values = table[row, column]
            colour = "white" if values.mean() < 0.7 else "black"
            told = mean_and_interval(values, digits=2).replace(" ± ", "\n± ")
            axes.text(column, row, told, ha="center", va="center", color=colour, fontsize=9)
    figure.axes[0].set_ylabel("learnt from")
    cells = [
        f"{method}, from {one} to {other}: {mean_and_interval(table[row, column])}"
        for method, table in tables.items()
        for row, one in enumerate(names)
        for column, other in enumerate(names)
    ]
    return Picture(figure, f"Test accuracy. {title}. {'; '.join(cells)}.")


@styled
def words_behind(
    words: Sequence[str], parts: Mapping[str, np.ndarray], sums: Mapping[str, str], title: str
) -> Picture:
    """Draw what each word of a sentence adds to a decision, for several domains.

    Args:
        words: of the sentence, in order.
        parts: by domain, what each word adds, (words,).
        sums: by domain, the sum that decides, in words.
        title: of the figure.
    """
    figure = new_figure(8, 1.5 + 0.28 * max(3, len(words)))
    height = figure.get_figheight()
    figure.text(0.01, 1 - 0.06 / height, title, va="top", fontsize=12)
    axes_of = figure.subplots(1, len(parts), sharey=True, sharex=True)
    places = np.arange(len(words))
    for axes, (name, values) in zip(np.atleast_1d(axes_of), parts.items(), strict=True):
        colours = [COLOURS["target" if value < 0 else "source"] for value in values]
        axes.barh(places, values, color=colours)
        axes.axvline(0, color="black", lw=0.8)
        axes.set_title(f"{shortened(name)}\n{sums[name]}", fontsize=10)
        axes.set_xlabel("← negative   positive →", fontsize=9)
        axes.grid(axis="x")
    figure.axes[0].set_yticks(places, [shortened(word) for word in words])
    figure.axes[0].set_ylim(len(words) - 0.5, -0.5)
    figure.subplots_adjust(
        left=0.16, right=0.98, top=1 - 0.95 / height, bottom=0.52 / height, wspace=0.08
    )
    return Picture(figure, _parts_in_words(words, parts, sums, title))


def _parts_in_words(
    words: Sequence[str], parts: Mapping[str, np.ndarray], sums: Mapping[str, str], title: str
) -> str:
    sentences = []
    for name, values in parts.items():
        of_words = (f"{word} {value:+.2f}" for word, value in zip(words, values, strict=True))
        sentences.append(f"{name}: {sums[name]}; {', '.join(of_words)}".replace("\n", " "))
    return f"{title}. {'. '.join(sentences)}."


@styled
def continued(likeliest: Sequence[tuple[str, float]], text: str, temperature: float) -> Picture:
    """Draw what may come next, and a text that was drawn token by token.

    Args:
        likeliest: some next tokens, each with its probability.
        text: the text with what was drawn.
        temperature: by which logits were divided.
    """
    figure = new_figure(8, 4.2)
    axes = figure.add_axes((0.2, 0.44, 0.75, 0.46))
    places = np.arange(len(likeliest))
    axes.barh(places, [chance for _, chance in likeliest], color=COLOURS["source"])
    axes.set_yticks(places, [repr(shortened(token))[1:-1] for token, _ in likeliest])
    axes.set_ylim(len(likeliest) - 0.5, -0.5)
    axes.set(xlabel="probability", title=f"The next token, at temperature {temperature:g}")
    axes.grid(axis="x")
    figure.text(0.02, 0.26, textwrap.fill(printable(text), 95), va="top", fontsize=10)
    bars = "; ".join(f"{token.strip()}: {chance:.3f}" for token, chance in likeliest)
    return Picture(figure, f"At temperature {temperature:g}, next: {bars}. Drawn: {text}")
