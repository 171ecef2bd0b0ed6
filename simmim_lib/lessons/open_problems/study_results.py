"""What lesson 09's stored studies have found, as figures and tables."""

import functools
from typing import Any

import numpy as np

from simmim_lib.experiments import cost
from simmim_lib.foundation.intervals import difference, interval, mean_and_interval
from simmim_lib.lessons.open_problems import figures, game
from simmim_lib.lessons.open_problems.audits import WorstCase
from simmim_lib.lessons.open_problems.cheaper import WAYS as CHEAPER
from simmim_lib.lessons.open_problems.chest_maps import LEARNED
from simmim_lib.lessons.open_problems.federation import HOSPITALS
from simmim_lib.lessons.open_problems.figures import Way, pareto_front
from simmim_lib.lessons.open_problems.maps import METHODS
from simmim_lib.lessons.open_problems.membership import FALSE_POSITIVES, TRAININGS
from simmim_lib.lessons.open_problems.private_heads import DELTA, PrivateHead
from simmim_lib.lessons.open_problems.timing import Timed
from simmim_lib.pictures import charts
from simmim_lib.pictures.charts import Curve
from simmim_lib.pictures.style import Picture, short_title
from simmim_lib.pictures.tables import Table
from simmim_lib.privacy.attacks import most_found
from simmim_lib.settings import Settings
from simmim_lib.studies import stored
from simmim_lib.studies.stored import Record

EPSILONS = (0.1, 0.3, 1.0, 3.0, 8.0)
FEATURES = {
    "glyphs": "features from glyphs",
    "pixels": "raw pixels",
    "photographs": "features from photographs",
}
"""What a head sees, for readers."""

# --- Cost


LABELS = (1, 2, 5, 10, 50)
"""Labels per class, in the study of digits whose cost is looked at."""

LIVE = "fine-tune, one seed, timed here"
"""The group of the run that is timed, for readers."""

CLOTHES_LABELS = 20
"""The same in the studies of clothes."""


def arithmetic() -> dict[str, float]:
    """Return billions of operations of one seed, by way to learn clothes from ten labels."""
    usual: dict[str, Any] = {"source": "glyphs", "targets": ("fashion",), "seeds": 1}
    ways = {
        "probe": Settings(adaptation="probe", **usual),
        "fine-tune": Settings(frozen_layers=0, **usual),
        "SimMIM": Settings(recipe="simmim", **usual),
    }
    return {name: _billions(settings) for name, settings in ways.items()}


@functools.lru_cache(maxsize=64)
def _billions(settings: Settings) -> float:
    """Return billions of operations of one seed, features included."""
    each = cost.estimate(settings).flops / settings.seeds
    return (each + cost.feature_flops(settings)) / 1e9


BILLIONS_A_SECOND = 20.0
"""What a computer is taken to do, for seconds and energy that are the same everywhere."""

TRUNKS = ("small-cnn", "small-vit", "efficientnet-lite0")
"""Networks whose costs are tabulated."""


def costs_table() -> Table:
    """Tabulate what one seed takes to learn clothes, by network and way to learn."""
    ways: dict[str, dict[str, Any]] = {
        "probe": {"adaptation": "probe"},
        "fine-tune, or from scratch": {"frozen_layers": 0},
        "SimMIM": {"recipe": "simmim"},
    }
    rows = []
    for trunk in TRUNKS:
        for way, changes in ways.items():
            settings = Settings(trunk=trunk, targets=("fashion",), seeds=1, steps=120, **changes)
            found, billions = cost.estimate(settings), _billions(settings)
            seconds = billions / BILLIONS_A_SECOND
            rows.append(
                [
                    f"{trunk}, {way}",
                    f"{found.trained:,}",
                    f"{found.bytes / 1e6:.1f}",
                    f"{billions:,.1f}",
                    f"{seconds:,.2f}",
                    f"{1000 * cost.watt_hours(seconds):,.1f}",
                ]
            )
    heading = ["network, way", "weights trained", "MB", "billions of operations"]
    return Table([*heading, f"s at {BILLIONS_A_SECOND:g} billion a second", "mWh"], rows)


def clothes() -> list[Way]:
    """Return what ways to learn clothes cost and bring, as lesson 05 and others have studied."""
    records = [
        *stored.load("photograph-features").records,
        *(
            record
            for record in stored.load("unlabelled").records
            if record.settings.targets == ("fashion",)
            and record.settings.labels_per_class == CLOTHES_LABELS
        ),
    ]
    return [_way(record) for record in records]


def digits(labels: int) -> list[Way]:
    """Return the same of MNIST digits, with so many labels per class."""
    return [
        _way(record)
        for study in ("few-labels", "unlabelled")
        for record in stored.load(study).records
        if record.settings.targets == ("mnist",) and record.settings.labels_per_class == labels
    ]


def _way(record: Record) -> Way:
    """Return what an experiment costs and brings, and how it is called."""
    settings = record.settings
    if settings.source is None:
        name = "from scratch"
    elif settings.information:
        name = "SimMIM"
    elif settings.augmentation:
        name = "augmented"
    elif settings.frozen_layers == len(settings.trunk_info.blocks):
        name = "head only"
    else:
        name = f"{settings.frozen_layers} layers frozen" if settings.frozen_layers else "fine-tune"
    name += f", {settings.steps} steps"
    return Way(_GROUPS[settings.trunk], name, _billions(settings), record.values())


_GROUPS = {
    "small-cnn": "small network",
    "efficientnet-lite0": "EfficientNet",
    "efficientnet-lite0-middle": "EfficientNet, middle layers",
}
"""Networks whose cost is compared, for readers."""


def cost_figure() -> Picture:
    """Draw accuracy on clothes against cost."""
    title = f"Fashion, {CLOTHES_LABELS} labels per class, 10 seeds"
    return figures.accuracy_against_cost(clothes(), title)


def budget_figure(labels: int, seconds: float, run: Timed | None) -> Picture:
    """Draw accuracy on digits against cost, with what can be afforded, and say what to do.

    Args:
        labels: per class.
        seconds: that there are.
        run: how fast this computer is; nothing is said of seconds before it is known.
    """
    ways, title = (
        digits(labels),
        f"MNIST, {labels} {'label' if labels == 1 else 'labels'} per class",
    )
    if run is None:
        return figures.accuracy_against_cost(ways, f"{title}: one run is being timed")
    limit = run.billions(seconds)
    affordable = [way for way in pareto_front(ways) if way.cost <= limit]
    best = affordable[-1] if affordable else None
    advice = f"take {best.name}, {run.seconds(best.cost):.0f} s" if best else "nothing is so quick"
    live = Way(LIVE, f"{run.seconds(run.cost):.0f} s", run.cost, np.array([run.accuracy]))
    return figures.accuracy_against_cost(
        ways, f"{title}, {seconds:g} seconds: {advice}", limit, live
    )


# --- Cheaper ways to adapt


def cheaper_ways() -> dict[str, np.ndarray]:
    """Return the accuracies of cheaper ways, (seeds,), and of fine-tuning."""
    study = stored.load("cheaper-ways")
    return {way: study.values(way=way) for way in CHEAPER}


def cheaper_table() -> Table:
    """Tabulate what cheaper ways take and bring."""
    study, accuracies = stored.load("cheaper-ways"), cheaper_ways()
    rows = []
    for way, found in accuracies.items():
        of = {
            name: study.values(name, way=way).mean()
            for name in ("trained", "operations", "memory", "bytes")
        }
        rows.append(
            [
                way,
                mean_and_interval(found),
                "" if way == "fine-tune" else difference(found, accuracies["fine-tune"]),
                f"{of['trained']:,.0f}",
                f"{of['operations'] / 1e9:.1f}",
                f"{of['memory'] / 1e3:,.0f} kB",
                f"{of['bytes'] / 1e3:,.0f} kB",
            ]
        )
    heading = ["way", "accuracy", "against fine-tune", "weights trained", "billion operations"]
    return Table([*heading, "memory to train", "kept in"], rows)


# --- Private heads


def by_epsilon(dataset: str, features: str) -> dict[float, np.ndarray]:
    """Return accuracies of private heads by epsilon, (seeds,) each."""
    study = stored.load("private-heads")
    return {
        epsilon: study.values(dataset=dataset, features=features, epsilon=epsilon)
        for epsilon in EPSILONS
    }


def without_privacy(dataset: str, features: str) -> np.ndarray:
    """Return the accuracies of heads that promise nothing, (seeds,)."""
    return stored.load("private-heads").values(dataset=dataset, features=features, epsilon=None)


def private_head_figure(tried: PrivateHead, found: np.ndarray) -> Picture:
    """Draw what the stored study knows of a dataset, and a head that was just trained."""
    assert tried.epsilon is not None
    curves = {title: by_epsilon(tried.dataset, name) for name, title in FEATURES.items()}
    limits = {title: without_privacy(tried.dataset, name) for name, title in FEATURES.items()}
    here = (tried.epsilon, found, FEATURES[tried.features])
    return figures.private_head(
        curves, limits, here, f"{short_title(tried.dataset)}, star: just trained"
    )


def private_table(dataset: str) -> Table:
    """Tabulate accuracies of private heads."""
    rows = [
        [
            title,
            *(mean_and_interval(each) for each in by_epsilon(dataset, name).values()),
            mean_and_interval(without_privacy(dataset, name)),
        ]
        for name, title in FEATURES.items()
    ]
    heads = [f"epsilon {epsilon:g}" for epsilon in EPSILONS]
    return Table([f"{dataset}, the head sees", *heads, "no promise"], rows)


# --- Claimed and found


def canary_audits() -> dict[str, tuple[float, np.ndarray]]:
    """Return what was claimed and what canaries have found, by what was audited."""
    study = stored.load("canaries")
    titles = {"none": "right training"}
    return {
        f"{titles.get(record.settings.mistake, record.settings.mistake)}, claimed "
        f"{record.settings.claimed:g}": (
            record.settings.claimed,
            record.values("found"),
        )
        for record in study.records
    }


def batch_audits() -> dict[str, tuple[float, np.ndarray]]:
    """Return the same of the two ways to draw batches."""
    study = stored.load("worst-cases")
    return {
        f"{record.settings.batches} batches": (claimed_for(record.settings), record.values("found"))
        for record in study.records
    }


@functools.lru_cache(maxsize=8)
def claimed_for(case: WorstCase) -> float:
    """Return what the accountant claims, computed once."""
    return case.claimed


def canaries_figure() -> Picture:
    """Draw what canaries have found beside the claims."""
    runs = len(next(iter(canary_audits().values()))[1])
    return figures.claimed_and_found(canary_audits(), f"Canaries in private heads, {runs} runs")


def batches_figure() -> Picture:
    """Draw what audits of both kinds of batches have found beside the claim."""
    return figures.claimed_and_found(batch_audits(), "Worst cases, the same noise for both")


MARKED = int(np.argmin(np.abs(FALSE_POSITIVES - figures.MIN_ACCUSED)))
"""Where one in a thousand of the others is accused."""


def membership_figure() -> Picture:
    """Draw attacks on every kind of training, beside what is claimed and what canaries prove."""
    study = stored.load("membership")
    plain = [training for training, epsilon in TRAININGS.items() if epsilon is None]
    attacks = {f"{name}, shadows": found_members(name) for name in plain}
    attacks[f"{plain[0]}, loss"] = found_members(plain[0], "loss")
    private = {
        f"epsilon {epsilon:g}": figures.Promised(
            found_members(training), most_found_of(epsilon), most_found_of(proved(epsilon))
        )
        for training, epsilon in TRAININGS.items()
        if epsilon is not None
    }
    count = len(study.values(training=plain[0]))
    title = f"Who was there? {count} networks of each kind, {count - 2} shadows"
    return figures.membership(FALSE_POSITIVES, attacks, private, title)


def found_members(training: str, attack: str = "shadows") -> np.ndarray:
    """Return the shares of members that an attack finds, (`FALSE_POSITIVES`, networks)."""
    return stored.load("membership").values(f"{attack} found", training=training)


def most_found_of(epsilon: float) -> np.ndarray:
    """Return the shares of members that an epsilon lets be found, (`FALSE_POSITIVES`,)."""
    return most_found(epsilon, DELTA, FALSE_POSITIVES)


def proved(claimed: float) -> float:
    """Return the epsilon that canaries prove of right training, on average over runs."""
    found = stored.load("canaries").values("found", claimed=claimed, mistake="none")
    return float(found.mean())


def membership_table() -> Table:
    """Tabulate both attacks on every kind of training."""
    study = stored.load("membership")
    rows = [
        [
            training,
            mean_and_interval(study.values(training=training)),
            *(
                mean_and_interval(study.values(f"{name} area", training=training))
                for name in ("loss", "shadows")
            ),
            *(
                mean_and_interval(found_members(training, name)[MARKED], 4)
                for name in ("loss", "shadows")
            ),
        ]
        for training in TRAININGS
    ]
    heading = ["training", "test accuracy", "area: loss", "area: shadows"]
    return Table([*heading, "found at 0.1 %: loss", "found at 0.1 %: shadows"], rows)


def run_card(number: int, answer: str, answers: dict[int, bool]) -> Picture:
    """Show a run of the game, and what is to be said of an answer, which is counted.

    Args:
        number: of the run, from 0.
        answer: "private", "not private", or anything else for none yet.
        answers: whether the first answer to each run was right; added to.
    """
    verdict = ""
    if answer in ("private", "not private"):
        says_private = answer == "private"
        answers.setdefault(number, says_private == game.RUNS[number].private)
        verdict = game.verdict(number, says_private)
    score = f"right at once: {sum(answers.values())} of {len(answers)} answered"
    title = f"Run {number + 1} of {len(game.RUNS)}: claims epsilon 1"
    return figures.run_card(title, game.RUNS[number].lines, verdict, score)


# --- Hospitals


def hospitals_figure() -> Picture:
    """Draw accuracy by round for hospitals alone, together, and federated."""
    study = stored.load("hospitals")
    named: dict[str, dict[str, Any]] = {
        "together in one place": {"way": "together in one place"},
        "federated": {"way": "federated", "noise": 0.0},
        "federated, noise 0.1": {"way": "federated", "noise": 0.1},
        "federated, noise 1": {"way": "federated", "noise": 1.0},
        "each alone": {"way": "each alone"},
    }
    looks = (("source", "o"), ("target", "s"), ("target", "^"), ("target", "D"), ("baseline", "v"))
    curves = [
        Curve(name, dict(enumerate(study.values(**fields), start=1)), *look)
        for (name, fields), look in zip(named.items(), looks, strict=True)
    ]
    title = f"{HOSPITALS} hospitals, MNIST on features from glyphs, 10 seeds"
    return charts.accuracy_curves(curves, "round", title)


# --- Maps


def of_maps(measure: str, method: str, learned: str = "finding") -> np.ndarray:
    """Return what tests of a method have measured, (seeds,) or (layers, seeds)."""
    return stored.load("chest-maps").values(measure, method=method, learned=learned)


FORGETTING = ("head", "dense", "convolution_3", "convolution_2", "convolution_1")
"""The layers of the small network with a head, in the order in which they forget."""


def forgetting_figure() -> Picture:
    """Draw how like maps stay as layers forget."""
    curves = {method: of_maps("similarity", method) for method in METHODS}
    seeds = curves["gradient"].shape[1]
    title = f"Chest phantoms, {seeds} networks that have learned the finding"
    return figures.forgetting(curves, FORGETTING, title)


def randomisation_table() -> Table:
    """Tabulate how every method stands both tests of forgetting."""
    rows = [
        [
            method,
            mean_and_interval(of_maps("similarity", method)[-1], 2),
            mean_and_interval(of_maps("rise", method), 3),
            rises(method),
        ]
        for method in METHODS
    ]
    heading = ["method", "similarity at the end", "rise of complexity", "above 0?"]
    return Table(heading, rows)


def pointing_table() -> Table:
    """Tabulate where the maps of both networks are largest."""
    rows = [
        [
            method,
            *(
                mean_and_interval(of_maps(where, method, learned), 2)
                for learned in LEARNED
                for where in ("on finding", "on letters")
            ),
        ]
        for method in METHODS
    ]
    places = ("finding", "letters")
    heading = [f"learned the {name}: on {where}" for name in LEARNED for where in places]
    return Table(["method", *heading], rows)


def stays(method: str) -> bool:
    """Return whether maps stay like they were, by a quarter, when all layers have forgotten."""
    return bool(of_maps("similarity", method)[-1].mean() > 0.25)


def rises(method: str) -> str:
    """Return whether maps become more complex when all has been forgotten: "yes", "no" or neither.

    It is "undecided" where the interval has zero and numbers on both sides of it.
    """
    mean, half = interval(of_maps("rise", method))
    return "yes" if mean - half > 0 else "undecided" if mean + half > 0 else "no"
