"""Studies of lesson 09: cheaper adaptation, private heads, audits, membership, hospitals, maps."""

from simmim_lib.lessons.open_problems.audits import (
    BATCHES,
    CANARY_MISTAKES,
    CanaryAudit,
    WorstCase,
    found_by_canaries,
    found_in_worst_case,
)
from simmim_lib.lessons.open_problems.cheaper import WAYS as CHEAPER
from simmim_lib.lessons.open_problems.cheaper import Cheaper, adapted
from simmim_lib.lessons.open_problems.chest_maps import LEARNED, MapTest, tested
from simmim_lib.lessons.open_problems.federation import WAYS, Federation, learned_together
from simmim_lib.lessons.open_problems.maps import METHODS
from simmim_lib.lessons.open_problems.membership import TRAININGS, Membership, attacked
from simmim_lib.lessons.open_problems.private_heads import FEATURES, PrivateHead, accuracies
from simmim_lib.studies.registry import study


@study("Do cheaper ways to adapt keep what fine-tuning brings?", adapted, Cheaper.from_mapping)
def cheaper_ways() -> list[Cheaper]:
    """From glyphs to MNIST: low rank, half precision, early stopping, 8 bits."""
    return [Cheaper(way=way, seeds=10) for way in CHEAPER]


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


@study("Who was among the training images?", attacked, Membership.from_mapping)
def membership() -> list[Membership]:
    """Networks and heads, private ones among them, each attacked with eight shadows."""
    return [Membership(training=training) for training in TRAININGS]


@study("What do hospitals learn that keep their images?", learned_together, Federation.from_mapping)
def hospitals() -> list[Federation]:
    """Alone, together in one place, and federated, the last with several noises."""
    federated = [Federation(noise=noise) for noise in (0.0, 0.03, 0.1, 0.3, 1.0)]
    return [*(Federation(way=way) for way in WAYS if way != "federated"), *federated]


@study("Do maps show what a network has learned from chest phantoms?", tested, MapTest.from_mapping)
def chest_maps() -> list[MapTest]:
    """Every method on networks that have learned the finding, and on such as know the device."""
    return [MapTest(method=method, learned=learned) for learned in LEARNED for method in METHODS]
