"""Findings with made-up accuracies, so that what is said of them is known beforehand."""

import numpy as np
from planted_results import as_scores

from simmim_lib import experiments
from simmim_lib.experiments.baselines import ASKED, Findings, Way
from simmim_lib.experiments.cost import Cost
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
