"""Results with made-up accuracies."""

import numpy as np


def as_scores(accuracy: dict[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """Return the scores of a `Result` that has these accuracies, each (seeds,)."""
    return {target: {"accuracy": values} for target, values in accuracy.items()}
