"""What lesson 07's stored studies have found, as figures and tables."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from simmim_lib import datasets
from simmim_lib.experiments.pretexts import next_word
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.foundation.intervals import (
    Difference,
    difference,
    mean_and_interval,
    plus_minus,
)
from simmim_lib.lessons.language import figures
from simmim_lib.lessons.language.figures import Curves
from simmim_lib.lessons.language.plain_methods import DOMAINS
from simmim_lib.lessons.language.probes import PROBES
from simmim_lib.lessons.language.studies import (
    COUNTS,
    INFORMED,
    OTHERS_COUNTS,
    PLAIN,
    SAME_STEPS,
)
from simmim_lib.pictures import charts
from simmim_lib.pictures.style import Picture
from simmim_lib.pictures.tables import Table
from simmim_lib.studies import stored
from simmim_lib.trunks import minilm, words
from simmim_lib.trunks.catalogue import WORDS

TITLES = {name: datasets.describe(name).title for name in DOMAINS}

SHARED_WITH_INFORMATION = "one head for all, and information"
SHARED = "one head for all"
TOGETHER = "own heads, trained together"
ALONE = "each domain alone"
COUNTED = "counts of words (TF-IDF)"

TOKENS_OF_A_SENTENCE = 16
"""About as many as the twelve words of a sentence become."""

METHOD_NAMES = {"word-list": "word list", "tf-idf": "counts of words", "linear": "MiniLM"}


def by_words(method: str, target: str, labels: int | str = 0) -> np.ndarray:
    """Return the accuracies of a plain method that learns from its target's labels, (seeds,)."""
    return stored.load("text-plain-methods").values(
        method=method, tested_on=target, labels_per_class=labels
    )


def of_heads(target: str, labels: int, way: str, recipe: Mapping[str, Any] = PLAIN) -> np.ndarray:
    """Return the accuracies of heads on MiniLM, (seeds,).

    Args:
        target: one of `DOMAINS`.
        labels: of each class, in each domain.
        way: `SHARED`, `TOGETHER` or `ALONE`.
        recipe: one of `studies.RECIPES`.
    """
    targets = (target,) if way == ALONE else DOMAINS
    return stored.load("text-domains").values(
        target=target,
        targets=targets,
        labels_per_class=labels,
        shared_heads=way == SHARED,
        recipe=recipe["recipe"],
        information=recipe["information"],
    )


def without_labels(target: str, others: int = 25) -> np.ndarray:
    """Return the accuracies of a shared head in a domain without labels, (seeds,)."""
    labels = tuple(0 if name == target else others for name in DOMAINS)
    return stored.load("text-domain-without-labels").values(target=target, labels_per_class=labels)


def shifted(method: str, learns_from: tuple[str, ...], target: str) -> np.ndarray:
    """Return the accuracies in one domain of what was learnt in others, (seeds,)."""
    return stored.load("text-domain-shift").values(
        method=method, learns_from=learns_from, tested_on=target
    )


# --- No label, and few


def word_list_table() -> Table:
    """Return how often the word list is right, beside the majority."""
    rows = [
        [TITLES[name], *(f"{by_words(m, name).mean():.3f}" for m in ("majority", "word-list"))]
        for name in DOMAINS
    ]
    return Table(["sentences", "the more frequent class", "word list"], rows)


def plain_curves(target: str) -> Curves:
    """Return accuracies by labels of each class: words counted, and MiniLM's vectors."""
    return {
        "a linear head on MiniLM": {n: by_words("linear", target, n) for n in COUNTS},
        COUNTED: {n: by_words("tf-idf", target, n) for n in COUNTS},
    }


def words_figure() -> Picture:
    """Draw counted words alone beside the word list, which needs no label."""
    curves = {TITLES[n]: {COUNTED: plain_curves(n)[COUNTED]} for n in DOMAINS}
    return figures.by_labels(curves, _lists(), "Words counted, ten seeds")


def vectors_figure() -> Picture:
    """Draw counted words beside a linear head on MiniLM."""
    curves = {TITLES[name]: plain_curves(name) for name in DOMAINS}
    return figures.by_labels(curves, _lists(), "A linear head on sentence vectors, ten seeds")


def _lists() -> dict[str, np.ndarray]:
    return {TITLES[name]: by_words("word-list", name) for name in DOMAINS}


# --- Together and alone


def heads_figure() -> Picture:
    """Draw shared heads, with and without information, beside heads that learn alone."""
    curves = {
        TITLES[name]: {
            SHARED_WITH_INFORMATION: {n: of_heads(name, n, SHARED, INFORMED) for n in COUNTS},
            SHARED: {n: of_heads(name, n, SHARED) for n in COUNTS},
            ALONE: {n: of_heads(name, n, ALONE) for n in COUNTS},
            COUNTED: plain_curves(name)[COUNTED],
        }
        for name in DOMAINS
    }
    return figures.by_labels(curves, _lists(), "Three domains, heads on frozen MiniLM, ten seeds")


def gain(target: str, labels: int, way: str) -> Difference:
    """Return how much better a way of training heads is than each domain alone, seed by seed."""
    return difference(of_heads(target, labels, way), of_heads(target, labels, ALONE))


def own_heads_table() -> Table:
    """Return what training together gives heads of their own."""
    return _gains(lambda name, count: gain(name, count, TOGETHER))


def shared_head_table() -> Table:
    """Return what one head for all gives, against each domain alone."""
    return _gains(lambda name, count: gain(name, count, SHARED))


def informed_gain(target: str, labels: int, way: str = SHARED) -> Difference:
    """Return what sentences without labels add, at the same learning rate and schedule."""
    return difference(
        of_heads(target, labels, way, INFORMED), of_heads(target, labels, way, SAME_STEPS)
    )


def information_table() -> Table:
    """Return what sentences without labels add to the shared head."""
    return _gains(informed_gain)


COMPARED: dict[str, Callable[[str, int], Difference]] = {
    "trained together, own heads, against each alone": lambda name, count: gain(
        name, count, TOGETHER
    ),
    "one head against own heads": lambda name, count: difference(
        of_heads(name, count, SHARED), of_heads(name, count, TOGETHER)
    ),
    "the same, both with information": lambda name, count: difference(
        of_heads(name, count, SHARED, INFORMED), of_heads(name, count, TOGETHER, INFORMED)
    ),
    "information on one head": informed_gain,
    "information on own heads": lambda name, count: informed_gain(name, count, TOGETHER),
    "one head and information, against each alone": lambda name, count: difference(
        of_heads(name, count, SHARED, INFORMED), of_heads(name, count, ALONE, SAME_STEPS)
    ),
}
"""Each with one thing changed, but for the last; information is compared at equal steps."""


def verdict_table() -> Table:
    """Return what each way of learning together gives, at each number of labels."""
    rows = [
        [compared, count, *(of(name, count) for name in DOMAINS)]
        for compared, of in COMPARED.items()
        for count in COUNTS
    ]
    return Table(["compared", "labels a class", *TITLES.values()], rows)


def _gains(of: "figures.Gain") -> Table:
    rows = [[count, *(of(name, count) for name in DOMAINS)] for count in COUNTS]
    return Table(["labels a class", *TITLES.values()], rows)


# --- Domains that teach each other


def shift_figure() -> Picture:
    """Draw which domain teaches which, by MiniLM and by counted words."""
    tables = {
        METHOD_NAMES[method]: np.array(
            [[shifted(method, (one,), other) for other in DOMAINS] for one in DOMAINS]
        )
        for method in ("linear", "tf-idf")
    }
    return figures.who_teaches_whom(tables, list(TITLES.values()), "25 labels a class, ten seeds")


def better_teachers(method: str) -> list[str]:
    """Return where one of two other domains clearly teaches a domain better, in words."""
    found = []
    for target in DOMAINS:
        one, other = (name for name in DOMAINS if name != target)
        ahead = difference(shifted(method, (one,), target), shifted(method, (other,), target))
        if ahead.is_clear:
            better, worse = (one, other) if ahead.mean > 0 else (other, one)
            points = plus_minus(abs(ahead.mean), ahead.half_width, digits=1)
            found.append(
                f"{TITLES[target]} learns from {TITLES[better]} better than from {TITLES[worse]}, "
                f"by {points} points"
            )
    return found


def lost_by_shift(method: str) -> Difference:
    """Return how much better heads are in their own domain than in others, by the mean of each."""
    own = [shifted(method, (name,), name) for name in DOMAINS]
    others = [
        shifted(method, (one,), other) for one in DOMAINS for other in DOMAINS if one != other
    ]
    return difference(np.mean(own, axis=0), np.mean(others, axis=0))


def without_labels_figure() -> Picture:
    """Draw heads without a label of their domain beside those that have some."""
    groups = {
        TITLES[name]: {
            "the more frequent class": by_words("majority", name),
            "word list": by_words("word-list", name),
            "25 own labels, counted words": by_words("tf-idf", name, 25),
            "8 own labels, alone": of_heads(name, 8, ALONE),
            "25 own labels, alone": of_heads(name, 25, ALONE),
            "the others' labels": shifted(
                "linear", tuple(each for each in DOMAINS if each != name), name
            ),
            "the same, and information": without_labels(name),
        }
        for name in DOMAINS
    }
    return charts.accuracy_rows(groups, "No label of the domain, 25 a class in both others")


def all_ways(target: str, labels: int) -> dict[str, np.ndarray]:
    """Return the accuracies of every way of learning in one domain, (seeds,) each.

    Args:
        target: one of `DOMAINS`.
        labels: of each class, one of `COUNTS`; where the domain has none, in both others.
    """
    ways = {
        "the more frequent class": by_words("majority", target),
        "word list, no label": by_words("word-list", target),
        COUNTED: by_words("tf-idf", target, labels),
        "MiniLM, logistic regression": by_words("linear", target, labels),
        "MiniLM, alone": of_heads(target, labels, ALONE),
        "alone, and information": of_heads(target, labels, ALONE, INFORMED),
        "own heads, trained together": of_heads(target, labels, TOGETHER),
        "own heads, and information": of_heads(target, labels, TOGETHER, INFORMED),
        "MiniLM, one head for all": of_heads(target, labels, SHARED),
        "one head, and information": of_heads(target, labels, SHARED, INFORMED),
    }
    if labels in OTHERS_COUNTS:
        ways["the same, no label here"] = without_labels(target, labels)
    return ways


def ways_figure(target: str, labels: int) -> Picture:
    """Draw every way of learning in one domain, at one number of labels."""
    title = f"{labels} labels of each class, ten seeds"
    return charts.accuracy_rows({TITLES[target]: all_ways(target, labels)}, title)


# --- The next word


def perplexity(tested_on: str) -> float:
    """Return the perplexity of a dataset's test texts for the model that Wikipedia has taught."""
    return float(stored.load("text-perplexity").values("perplexity", tested_on=tested_on)[0])


def perplexity_table() -> Table:
    """Return how well the language model foretells other articles, and other texts."""
    study = stored.load("text-perplexity")
    rows = []
    for name in ("wikipedia", *DOMAINS):
        nats = study.values("nats_per_character", tested_on=name)[0]
        rows.append([datasets.describe(name).title, f"{perplexity(name):.0f}", f"{nats:.2f}"])
    return Table(["test part of", "perplexity", "nats a character"], rows)


def small_model(target: str, labels: int | str, source: str | None) -> np.ndarray:
    """Return the accuracies of the small transformer, (seeds,).

    Args:
        target: one of `DOMAINS`.
        labels: of each class, 25 or "all".
        source: "wikipedia", or none: from scratch.
    """
    return stored.load("text-small-model").values(
        targets=(target,), labels_per_class=labels, source=source
    )


def small_model_table() -> Table:
    """Return what a hundred articles give the small transformer, beside counted words."""
    ways = {
        "from scratch": lambda name, labels: small_model(name, labels, None),
        "Wikipedia first": lambda name, labels: small_model(name, labels, "wikipedia"),
        COUNTED: lambda name, labels: by_words("tf-idf", name, labels),
    }
    rows = [
        [f"{labels} labels, {way}", *(mean_and_interval(of(name, labels)) for name in DOMAINS)]
        for labels in (25, "all")
        for way, of in ways.items()
    ]
    return Table(["labels, way", *TITLES.values()], rows)


def scale_table() -> Table:
    """Return what each way of reading has in it, what it costs, and what it reaches."""
    small = pretrained("wikipedia", WORDS.name, "next-word").blocks
    sizes = {name: sum(weight.size for weight in block) for name, block in small.items()}
    behind = sum(size for name, size in sizes.items() if name != WORDS.blocks[0])
    large = minilm.SIZES
    embedded = (large.vocabulary + large.positions) * large.width
    articles = f"{next_word.STEPS * next_word.BATCH_SIZE * words.CONTEXT / 1e6:.1f} million tokens"
    ways: dict[str, tuple[str, int, int, Callable[[str, int | str], np.ndarray]]] = {
        COUNTED: ("nothing", 0, 0, lambda target, labels: by_words("tf-idf", target, labels)),
        "small transformer": (
            *("nothing", sum(sizes.values()), behind),
            lambda target, labels: small_model(target, labels, None),
        ),
        "the same, Wikipedia first": (
            *(articles, sum(sizes.values()), behind),
            lambda target, labels: small_model(target, labels, "wikipedia"),
        ),
        "a linear head on MiniLM": (
            *("a billion pairs", large.number_of_weights, large.number_of_weights - embedded),
            lambda target, labels: by_words("linear", target, labels),
        ),
    }
    rows: list[list[object]] = []
    for way, (read, weights, used, of) in ways.items():
        found = [np.mean([of(name, n) for name in DOMAINS], axis=0) for n in (25, "all")]
        operations = f"{2 * used * TOKENS_OF_A_SENTENCE / 1e6:,.0f}" if used else "0"
        shown = [mean_and_interval(each) for each in found]
        rows.append([way, read, f"{weights / 1e6:.1f}", operations, *shown])
    heading = ["way", "read before", "million weights", "million operations a sentence"]
    return Table([*heading, "25 labels", "all labels"], rows)


STAGES = {
    "articles": "the articles of Wikipedia",
    "own_texts": "the domain's own texts, without labels",
    "smaller_steps": "smaller steps for earlier layers",
    "gradually": "one more layer after the other",
}
"""What can be left out of a training in three stages, in words."""


def in_stages(target: str, without: str = "") -> np.ndarray:
    """Return the accuracies of a training in three stages, (seeds,).

    Args:
        target: one of `DOMAINS`.
        without: what is left out, of `STAGES`; by default nothing.
    """
    done: dict[str, Any] = {name: name != without for name in STAGES}
    return stored.load("text-three-stages").values("accuracy", tested_on=target, **done)


def staged_over_plain(target: str) -> Difference:
    """Return how much better three stages are than the small model's plain fine-tuning."""
    return difference(in_stages(target), small_model(target, 25, "wikipedia"))


def missed(without: str) -> float:
    """Return how many points are lost on average over the domains when something is left out."""
    return 100 * float(
        np.mean([in_stages(name).mean() - in_stages(name, without).mean() for name in DOMAINS])
    )


def stages_table() -> Table:
    """Return what each stage and each manner is worth."""
    whole = ["everything", *(mean_and_interval(in_stages(name)) for name in DOMAINS)]
    rows = [
        [
            f"without {words}",
            *(difference(in_stages(name, without), in_stages(name)) for name in DOMAINS),
        ]
        for without, words in STAGES.items()
    ]
    return Table(["25 labels of each class", *TITLES.values()], [whole, *rows])


# --- What is not understood


def probes_table() -> Table:
    """Return how many probe sentences of each kind every method understands."""
    study = stored.load("text-probes")
    rows = [
        [kind, *(f"{found(study, m, kind)} of {len(probes)}" for m in METHOD_NAMES)]
        for kind, probes in PROBES.items()
    ]
    return Table(["kind of sentence", *METHOD_NAMES.values()], rows)


def found(study: stored.StoredStudy, method: str, kind: str) -> int:
    """Return how many probe sentences of a kind a method understands."""
    return int(study.values(kind, method=method).sum())
