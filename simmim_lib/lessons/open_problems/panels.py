"""Panels of lesson 09: they turn controls into values, and hold no computation of their own."""

from collections.abc import Iterator

from simmim_lib.attribution import texts
from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.open_problems import (
    browsing,
    figures,
    game,
    sentence_figures,
    sentences,
    study_results,
)
from simmim_lib.lessons.open_problems.private_heads import PrivateHead, accuracies
from simmim_lib.lessons.open_problems.timing import timed
from simmim_lib.panels.controls import dropdown, slider
from simmim_lib.panels.memory import remember
from simmim_lib.panels.panel import Panel, Values
from simmim_lib.pictures.style import Picture
from simmim_lib.settings import Settings

EPSILONS = (0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0)
UNANSWERED = "?"


def private_head(head: PrivateHead | None = None) -> Panel:
    """Return the panel that trains a private head and shows what its promise costs.

    Args:
        head: where the controls stand at first.
    """
    start = head or PrivateHead(seeds=3)
    sets = [("MNIST", "mnist"), ("Fashion", "fashion")]
    controls = {
        "dataset": dropdown("Private images", sets, start.dataset),
        "features": dropdown(
            "Head sees",
            [(title, name) for name, title in study_results.FEATURES.items()],
            start.features,
        ),
        "epsilon": slider(
            "Epsilon", sorted({*EPSILONS, start.epsilon or 1.0}), start.epsilon or 1.0
        ),
        "examples": slider("Private examples", (500, 1_000, 2_000, 4_000), start.examples),
    }

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        asked = PrivateHead(seeds=start.seeds, **values)
        found = remember(accuracies, asked, progress)["accuracy"]
        yield study_results.private_head_figure(asked, found)

    return Panel(
        controls,
        pictures,
        lambda values: f"private_heads.{PrivateHead(seeds=start.seeds, **values)!r}",
    )


def which_is_private() -> Panel:
    """Return the game: six runs, and which of them are private."""
    names = {f"run {number + 1}": number for number in range(len(game.RUNS))}
    answers: dict[int, bool] = {}
    controls = {
        "run": dropdown("Run", list(names.items()), 0),
        "answer": dropdown("It is", [UNANSWERED, "private", "not private"], UNANSWERED),
    }

    def pictures(values: Values, _: Progress) -> Iterator[Picture]:
        yield study_results.run_card(values["run"], values["answer"], answers)

    panel = Panel(controls, pictures)
    run, answer = panel.controls["run"], panel.controls["answer"]

    def ask_anew(_: object) -> None:
        answer.value = UNANSWERED

    run.observe(ask_anew, "value")
    return panel


def what_a_head_looks_at() -> Panel:
    """Return the browser of maps: picture, head, method, baseline and steps."""
    controls = {
        "number": slider("Picture", range(browsing.COUNT), 0),
        "task": dropdown("Head", list(browsing.TASKS), "digit"),
        "method": dropdown("Method", list(browsing.METHODS), "integrated gradients"),
        "baseline": dropdown("Baseline", list(browsing.BASELINES), "black"),
        "steps": slider("Steps", (2, 8, 16, 32, 64, 128), 64),
    }

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        seen = remember(browsing.look, browsing.Question(**values), progress)
        yield figures.one_map(seen.image, seen.values, seen.baseline, seen.title, seen.notes)

    return Panel(controls, pictures)


def what_a_word_weighs() -> Panel:
    """Return the browser of sentences: sentence, head, method and steps."""
    controls = {
        "sentence": dropdown("Sentence", sentences.SENTENCES, sentences.SENTENCES[2]),
        "head": dropdown("Head", sentences.HEADS, "yelp"),
        "method": dropdown("Method", texts.METHODS, texts.METHODS[0]),
        "steps": slider("Steps", (2, 8, 16, 32, 64, 128), 64),
    }

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        question = sentences.Question(**values)
        yield sentence_figures.word_shares(question, remember(sentences.look, question, progress))

    return Panel(controls, pictures)


def budget(steps: int = 120) -> Panel:
    """Return the panel that says what to do with so many seconds and so many labels.

    What each way brings is stored; how long it takes here follows from one run that is timed.

    Args:
        steps: of that run.
    """
    controls = {
        "labels": slider("Labels per class", study_results.LABELS, 10),
        "seconds": slider("Seconds", (5, 10, 20, 40, 60, 120, 300, 600), 20),
    }

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        labels, seconds = values["labels"], values["seconds"]
        yield study_results.budget_figure(labels, seconds, None)
        run = Settings(frozen_layers=0, labels_per_class=labels, steps=steps, seeds=1)
        yield study_results.budget_figure(labels, seconds, remember(timed, run, progress))

    return Panel(controls, pictures)
