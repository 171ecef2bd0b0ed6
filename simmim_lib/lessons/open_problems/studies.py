"""Studies of lesson 09: cheaper adaptation, private heads, audits, membership, hospitals, maps."""

from simmim_lib.lessons.open_problems.audits import (
    BATCHES,
    CANARY_MISTAKES,
    CanaryAudit,
    WorstCase,
    found_by_canaries,
    found_in_worst_case,
)
from simmim_lib.lessons.open_problems.private_heads import FEATURES, PrivateHead, accuracies
from simmim_lib.studies.registry import study


@study(
    "Which recipe for private heads is best on public data?", accuracies, PrivateHead.from_mapping
)
def private_recipes() -> list[PrivateHead]:
    """Every recipe on UCI digits, which are public.

    There are a third as many as of MNIST, so that an epsilon of 3 asks for as much noise an example
    as one of 1 does there, and one of 9 as one of 3.
    """
    return [
        PrivateHead(
            dataset="uci-digits",
            features=features,
            epsilon=epsilon,
            learning_rate=rate,
            clip=clip,
            steps=steps,
        )
        for features in FEATURES
        for epsilon in (3.0, 9.0)
        for steps in (120, 240)
        for clip in (0.25, 0.5)
        for rate in (20.0, 40.0, 80.0)
    ]


@study("What does privacy cost in accuracy?", accuracies, PrivateHead.from_mapping)
def private_heads() -> list[PrivateHead]:
    """4,000 private digits and clothes, several promises, with and without transferred features."""
    kinds = [
        *(("mnist", "glyphs"), ("mnist", "pixels"), ("mnist", "photographs")),
        *(("fashion", "photographs"), ("fashion", "glyphs"), ("fashion", "pixels")),
    ]
    return [
        PrivateHead(dataset=dataset, features=features, epsilon=epsilon)
        for dataset, features in kinds
        for epsilon in (0.1, 0.3, 1.0, 3.0, 8.0, None)
    ]


@study(
    "How much do canaries find, of what the accountant claims?",
    found_by_canaries,
    CanaryAudit.from_mapping,
)
def canaries() -> list[CanaryAudit]:
    """Right training, with two claims, and training with mistakes in the noise, 20 runs each."""
    return [
        CanaryAudit(claimed=claimed, mistake=mistake)
        for mistake in CANARY_MISTAKES
        for claimed in (1.0, 3.0)
        if mistake == "none" or claimed == 1
    ]


@study(
    "Are shuffled batches as private as the accountant says of Poisson ones?",
    found_in_worst_case,
    WorstCase.from_mapping,
)
def worst_cases() -> list[WorstCase]:
    """The same noise and as many steps, batches drawn in both ways."""
    return [WorstCase(batches=batches) for batches in BATCHES]
