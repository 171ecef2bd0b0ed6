"""What lesson 04's runs and stored studies have found, as figures and tables."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib import experiments, weighting
from simmim_lib.foundation.intervals import Difference, difference, mean_and_interval
from simmim_lib.lessons.task_weights import conflict, shares, studies, study_figures
from simmim_lib.pictures.style import Picture
from simmim_lib.pictures.tables import Table
from simmim_lib.studies import stored
from simmim_lib.weighting import PROPERTIES

if TYPE_CHECKING:
    from IPython.display import Markdown

PAIR = ("mnist", "fashion")
TRIO = ("mnist", "uci-digits", "fashion")

UNITS = (1, 100)
"""What Fashion's loss is multiplied by."""


def methods(*sees: str) -> "Markdown":
    """Say in a sentence what each weighting does that looks at these things, and fold its formula.

    Args:
        sees: "losses", "norms" or "gradients".
    """
    from IPython.display import Markdown

    chosen = {name: kind for name, kind in weighting.METHODS.items() if kind.sees in sees}
    sentences = [
        f"- **{kind.title}**, `{name}`: {str(kind.__doc__).partition('.')[0]}. *{kind.paper}.*"
        for name, kind in chosen.items()
    ]
    formulas = [f"- {kind.short_title}: ${kind.formula}$" for kind in chosen.values()]
    folded = ["<details><summary>As formulas</summary>", "", *formulas, "", "</details>"]
    return Markdown("\n".join([*sentences, "", *folded]))


# --- What the weightings promise


def promises() -> "Markdown":
    """Say what properties mean, and tabulate which weighting has which."""
    from IPython.display import Markdown

    meanings = [f"- **{name}**: {of.meaning}." for name, of in PROPERTIES.items()]
    rows = [
        [kind.short_title, *("yes" if name in of.methods else "–" for of in PROPERTIES.values())]
        for name, kind in weighting.METHODS.items()
    ]
    return Markdown("\n".join([*meanings, "", str(Table(["method", *PROPERTIES], rows))]))


def three_tasks_table(gradients: np.ndarray) -> Table:
    """Tell which losses fall along each gradient-based weighting's step, and for the plain sum.

    Args:
        gradients: one row for each task, shape (tasks, parameters).
    """
    directions = {"plain sum": gradients.sum(axis=0)} | {
        kind.short_title: weighting.combine(name, gradients).direction
        for name, kind in weighting.METHODS.items()
        if kind.sees == "gradients"
    }
    words = {1: "falls", 0: "stays", -1: "rises"}
    rows = [
        [title, *(words[int(sign)] for sign in conflict.falls(gradients, direction))]
        for title, direction in directions.items()
    ]
    return Table(["step against", *(f"loss {task + 1}" for task in range(len(gradients)))], rows)


# --- What a weight does


def gradients_table(gradients: Mapping[str, Mapping[str, Any]]) -> Table:
    """Tell which tasks have a gradient for which kernels.

    Args:
        gradients: by task, then by the weight's path; None where the loss does not depend on it.
    """
    paths = [path for path in next(iter(gradients.values())) if path.endswith("kernel")]
    rows = [
        [f"`{path}`", *("no" if of[path] is None else "yes" for of in gradients.values())]
        for path in paths
    ]
    return Table(["has a gradient of", *gradients], rows)


def share_changed(**options: Any) -> dict[str, float]:
    """Return which share of each target's predictions changes if Fashion's weight is 100, not 1.

    Args:
        options: fields of the settings, as `shares.small_experiment` takes them.
    """
    one, hundred = (
        experiments.run(
            shares.small_experiment(task_weights=(1, weight), **options), baseline=False
        ).predictions
        for weight in UNITS
    )
    return {target: float(np.mean(one[target] != hundred[target])) for target in PAIR}


def changed_table(changed: Mapping[str, Mapping[str, float]]) -> Table:
    """Tabulate the shares of predictions that changed, by what was trained and target."""
    rows = [[trained, *(f"{of[target]:.1%}" for target in PAIR)] for trained, of in changed.items()]
    return Table(["trained", *(f"{target}: predictions changed" for target in PAIR)], rows)


# --- Scale and importance


def units_table(accuracy: Mapping[tuple[str, int], Mapping[str, np.ndarray]]) -> Table:
    """Tabulate test accuracies by weighting, and by what Fashion's loss is multiplied by."""
    rows = [
        [
            weighting.METHODS[name].short_title,
            scale,
            *(mean_and_interval(of[target], digits=2) for target in PAIR),
        ]
        for (name, scale), of in accuracy.items()
    ]
    return Table(["weighting", "Fashion's loss times", *PAIR], rows)


def changes_by_units() -> dict[str, dict[str, Difference]]:
    """Return by weighting and target what the factor 100 on Fashion's loss does to the accuracy."""
    study = stored.load("scaled-loss")

    def accuracy(name: str, target: str, scale: int) -> np.ndarray:
        return study.values("accuracy", target, weighting=name, task_weights=(1, scale))

    return {
        name: {
            target: difference(accuracy(name, target, 100), accuracy(name, target, 1))
            for target in PAIR
        }
        for name in weighting.METHODS
    }


def changes_by_units_figure() -> Picture:
    """Draw what the factor 100 on Fashion's loss does, a row for each weighting."""
    about = "Fashion's loss times 100: change of test accuracy (10 seeds)"
    return study_figures.changes(changes_by_units(), about)


# --- Two made-up losses


def made_up_losses() -> np.ndarray:
    """Return two losses, shape (steps, 2): the second ten times as large and slower by three."""
    step = np.arange(200)
    return np.stack([2.3 * np.exp(-step / 40), 23 * np.exp(-step / 120)], axis=1)


def weight_ratios() -> dict[str, np.ndarray]:
    """Return the second made-up loss's weight over that of the first, by weighting: (steps,).

    Each gradient is as long as its loss. The plain sum, whose ratio is 1, is left out.
    """
    ratios = {}
    for name, kind in weighting.METHODS.items():
        if kind.sees != "gradients" and name != "fixed":
            method = weighting.create(name, tasks=2)
            weights = [method.weigh(pair, gram=np.diag(pair**2)) for pair in made_up_losses()]
            ratios[name] = np.array([second / first for first, second in weights])
    return ratios


def weight_ratios_figure() -> Picture:
    """Draw the made-up losses, and what the weightings make of them."""
    return study_figures.weights_over_steps(made_up_losses(), weight_ratios())


# --- The experiment that matters


def gains() -> dict[tuple[str, ...], dict[str, np.ndarray]]:
    """Return delta-m in percent by targets and weighting, each (seeds,)."""
    study = stored.load("weightings")
    return {group: studies.relative_gains(study, group) for group in studies.TRIALS}


def gains_figure() -> Picture:
    """Draw each weighting's delta-m against that of the tuned plain sum."""
    about = "Mean relative gain over separate networks (10 seeds)"
    return study_figures.against_tuned_sum(gains(), about)


def gains_table() -> Table:
    """Compare each weighting's delta-m with the tuned plain sum's, for each group of targets."""
    by_group = gains().values()
    rows = [
        [
            weighting.METHODS[name].short_title,
            *(against_plain_sum(of_group, name) for of_group in by_group),
        ]
        for name in weighting.METHODS
        if name != "fixed"
    ]
    return Table(["against the tuned plain sum", *map(", ".join, studies.TRIALS)], rows)


def against_plain_sum(
    of_group: Mapping[str, np.ndarray], name: str, seeds: slice = slice(None)
) -> Difference:
    """Compare a weighting's delta-m with the plain sum's, seed by seed.

    Args:
        of_group: delta-m in percent by weighting, each (seeds,).
        name: of the weighting.
        seeds: which to compare.
    """
    return difference(of_group[name][seeds] / 100, of_group["fixed"][seeds] / 100)


NEW_SEEDS = slice(10, None)
"""Those of the second study that had no part in any choice."""


def on_new_seeds() -> dict[str, Difference]:
    """Return how the weightings that were ahead do on seeds that chose nothing."""
    found = studies.relative_gains(stored.load("weightings-again"), TRIO)
    return {name: against_plain_sum(found, name, NEW_SEEDS) for name in studies.AHEAD}


def on_new_seeds_table() -> Table:
    """Tabulate how they do on new seeds, and what becomes of each target."""
    rows = [
        [
            weighting.METHODS[name].short_title,
            found,
            *(_on_new_seeds(name, target) for target in TRIO),
        ]
        for name, found in on_new_seeds().items()
    ]
    return Table(["20 new seeds, against the tuned plain sum", "delta-m", *TRIO], rows)


def _on_new_seeds(name: str, target: str) -> Difference:
    """Return by how much a weighting's accuracy on a target differs from the plain sum's."""
    study = stored.load("weightings-again")
    ours, plain = (
        study.values("accuracy", target, targets=TRIO, weighting=each)[NEW_SEEDS]
        for each in (name, "fixed")
    )
    return difference(ours, plain)
