"""Findings with made-up accuracies, so that what is said of them is known beforehand."""

import numpy as np
from planted_results import as_scores
from scipy.special import logit

from simmim_lib import datasets, experiments
from simmim_lib.experiments.baselines import ASKED, Findings, Way
from simmim_lib.experiments.cost import Cost
from simmim_lib.experiments.measures import measure
from simmim_lib.settings import Settings


def way(name: str, accuracy: list[float], validation: float | list[float] = 0.5) -> Way:
    """Return a way of training with such test and validation accuracies on MNIST."""
    seeds = len(accuracy)
    return Way(
        name,
        (Settings(seeds=seeds),),
        as_scores({"mnist": np.array(accuracy)}),
        {"mnist": np.broadcast_to(validation, seeds)},
        {},
        cost=Cost(1, 1, 1.0),
    )


def planted(asked: list[float], **baselines: tuple[list[float], float | list[float]]) -> Findings:
    """Return findings with made-up accuracies; of each baseline also the validation accuracy."""
    main = way(ASKED, asked)
    result = experiments.Result(
        main.settings[0], as_scores(main.accuracy), main.validation, {}, seconds=1.0
    )
    return Findings(result, main, {name: way(name, *each) for name, each in baselines.items()})


def with_predictions(settings: Settings, probabilities: np.ndarray, **baselines: Way) -> Findings:
    """Return findings in which the only target is predicted so, (seeds, n, outputs).

    The last seed is the best on the validation images.
    """
    (target,) = settings.targets
    data = datasets.load(target, settings.image_size)
    outputs = probabilities if data.kind == "regression" else logit(probabilities)
    scores = {target: measure(data.kind, outputs, data.test.labels)}
    validation = {target: np.arange(len(probabilities), dtype=float)}
    predicted = {target: probabilities}
    asked = Way(ASKED, (settings,), scores, validation, predicted, cost=Cost(1000, 500, 1e9))
    result = experiments.Result(settings, scores, validation, predicted, seconds=1.0)
    return Findings(result, asked, baselines)
