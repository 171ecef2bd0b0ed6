"""Checks of lesson 06: medical images."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simmim_lib.exercises import EXACT, Mistake, compare, exercise, in_words

if TYPE_CHECKING:
    import numpy as np

Answer = Callable[..., Any]


@exercise("06-sensitivity", "function")
def _sensitivity(answer: Answer) -> str:
    import numpy as np

    random = np.random.default_rng()
    for counts in ([[80, 20], [7, 13]], *random.integers(1, 60, (3, 2, 2)).tolist()):
        (cleared, alarmed), (missed, found) = counts
        right = (found / (found + missed), cleared / (cleared + alarmed))
        mistakes = [
            Mistake(right[::-1], "Right numbers, wrong order: sensitivity comes first."),
            Mistake(
                (found / (found + alarmed), cleared / (cleared + missed)),
                "You divided by those who were *told* so, which gives PPV and NPV: divide by those "
                "who *are* so, the sum of a row.",
            ),
            Mistake(
                (missed / (found + missed), alarmed / (cleared + alarmed)),
                "These are the shares of the errors: take the shares of what was right.",
            ),
            Mistake(
                np.divide((found, cleared), np.sum(counts)),
                "You divided by all people: divide the one by the ill, the other by the healthy.",
            ),
            Mistake(np.multiply(right, 100), "That is in per cent: leave it between 0 and 1."),
            Mistake(
                ((found + cleared) / np.sum(counts),) * 2,
                "That is the accuracy, which mixes both groups: look at one row at a time.",
            ),
        ]
        otherwise = (
            f"For the counts {counts} the sensitivity is {right[0]:.4f} and the specificity "
            f"{right[1]:.4f}: a row is what people have, a column what they were told."
        )
        compare(answer(np.array(counts)), right, mistakes, otherwise)
    return (
        "Neither of them depends on how many people of each kind there are; the accuracy does, "
        "and so do the predictive values."
    )


@exercise("06-auc", "function")
def _auc(answer: Answer) -> str:
    import numpy as np

    random = np.random.default_rng()
    shown = (np.array([1, 1, 0, 0, 1]), np.array([0.9, 0.4, 0.4, 0.2, 0.1]))
    drawn = [
        (random.permutation([0, 0, 0, 1, 1, 1, 1]), random.integers(0, 4, 7) / 4) for _ in range(3)
    ]
    for labels, probabilities in (shown, *drawn):
        right, mistakes = auc_by_pairs(labels, probabilities)
        otherwise = (
            f"For labels {labels.tolist()} and probabilities {in_words(probabilities)} it is "
            f"{right:.4f}: of all pairs of an ill and a healthy person, the share in which the ill "
            "one has the higher probability."
        )
        compare(answer(labels.copy(), probabilities.copy()), right, mistakes, otherwise)
    return (
        "That is the whole meaning of an AUC. It looks at the order alone: probabilities that are "
        "all ten times too small have the same one."
    )


def auc_by_pairs(labels: "np.ndarray", probabilities: "np.ndarray") -> tuple[float, list[Mistake]]:
    """Give the AUC from all pairs, and what known mistakes make of it."""
    import numpy as np

    ill, healthy = probabilities[labels == 1], probabilities[labels == 0]
    above, level = ill[:, None] > healthy, ill[:, None] == healthy
    right = float(np.mean(above + 0.5 * level))
    return right, [
        Mistake(above.mean(), "Pairs with equal probabilities are left out: count each as half."),
        Mistake(
            (above | level).mean(),
            "Pairs with equal probabilities count in full: nobody ranks higher, so count half.",
        ),
        Mistake(1 - right, "You counted the pairs in which the *healthy* person ranks higher."),
        Mistake(
            float(np.sum(above + 0.5 * level)), "You counted pairs: divide by how many there are."
        ),
        Mistake(
            2 * right * above.size / len(labels) / (len(labels) - 1),
            "You divided by all pairs of people: leave out those of two ill or two healthy ones.",
        ),
        Mistake(
            float(np.mean((probabilities >= 0.5) == labels)),
            "That is the accuracy at a threshold of 0.5: an AUC has no threshold.",
        ),
    ]


@exercise("06-threshold-for-a-cost", "function")
def _threshold(answer: Answer) -> str:
    import numpy as np

    random = np.random.default_rng()
    thresholds = np.arange(1, 10) / 10
    # No two known mistakes give the same threshold for these.
    labels = np.array([1, 0, 0, 0, 1, 0, 0, 1, 0, 1])
    shown = (labels, np.array([60, 40, 25, 80, 45, 25, 15, 90, 40, 15]) / 100, 2, 1)
    cases = [shown, *(_case(random) for _ in range(3))]
    for labels, probabilities, missed, alarmed in cases:
        right, mistakes = cheapest(labels, probabilities, thresholds, missed, alarmed)
        otherwise = (
            f"For labels {labels.tolist()}, probabilities {in_words(probabilities)}, "
            f"missed={missed} and alarmed={alarmed} it is {right:g}: who has at least this "
            "probability is told to be ill."
        )
        given = answer(labels.copy(), probabilities.copy(), thresholds.copy(), missed, alarmed)
        compare(given, right, mistakes, otherwise, EXACT)
    return (
        "A threshold of 0.5 is right only where both errors cost the same and the probabilities "
        "can be believed. What an error costs is not for the network to say."
    )


def _case(random: "np.random.Generator") -> "tuple[np.ndarray, np.ndarray, int, int]":
    """Draw labels, probabilities at the thresholds and between them, and costs."""
    import numpy as np

    labels = np.concatenate([[0, 1], random.integers(0, 2, 8)])
    probabilities = 5 * random.integers(0, 20, 10) / 100
    missed, alarmed = random.permutation([int(random.integers(2, 9)), 1]).tolist()
    return labels, probabilities, missed, alarmed


def cheapest(
    labels: "np.ndarray",
    probabilities: "np.ndarray",
    thresholds: "np.ndarray",
    missed: int,
    alarmed: int,
) -> tuple[float, list[Mistake]]:
    """Give the lowest of the cheapest thresholds, and what known mistakes give."""
    import numpy as np

    told = probabilities >= thresholds[:, None]
    misses, alarms = (~told & (labels == 1)).sum(axis=1), (told & (labels == 0)).sum(axis=1)
    costs = missed * misses + alarmed * alarms
    best = np.flatnonzero(costs == costs.min())
    above = probabilities > thresholds[:, None]
    strictly = missed * (~above & (labels == 1)).sum(1) + alarmed * (above & (labels == 0)).sum(1)
    shares = missed * misses / (labels == 1).sum() + alarmed * alarms / (labels == 0).sum()
    return float(thresholds[best[0]]), [
        Mistake(
            thresholds[best[-1]],
            "Several thresholds cost the same: return the lowest, which misses the fewest.",
        ),
        Mistake(
            thresholds[np.argmin(misses + alarms)],
            "You counted all errors alike: multiply each kind by what it costs.",
        ),
        Mistake(
            thresholds[np.argmin(alarmed * misses + missed * alarms)],
            "The costs have changed places: `missed` is for the ill who are told to be healthy.",
        ),
        Mistake(thresholds[np.argmax(costs)], "That is the dearest threshold: take the cheapest."),
        Mistake(costs.min(), "That is the cost itself: return the threshold that has it."),
        Mistake(
            thresholds[np.argmin(strictly)],
            "You alarm above the threshold only: who has *exactly* the threshold is told to be "
            "ill, too (`>=`).",
        ),
        Mistake(
            thresholds[np.argmin(shares.round(9))],
            "You weighed shares, 1 - sensitivity and 1 - specificity: count people, of whom there "
            "are not as many in both groups.",
        ),
        Mistake(int(best[0]), "That is the threshold's place: return `thresholds` at it."),
        Mistake(
            alarmed / (alarmed + missed),
            "That is the best threshold where probabilities can be believed: take the one of "
            "`thresholds` that is cheapest for these people.",
        ),
    ]


@exercise("06-ppv", "function")
def _ppv(answer: Answer) -> str:
    import numpy as np

    random = np.random.default_rng()
    for given in ((0.9, 0.8, 0.1), *random.uniform(0.05, 0.95, (3, 3)).tolist()):
        sensitivity, specificity, prevalence = given
        found, alarmed = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
        right = found / (found + alarmed)
        cleared = specificity * (1 - prevalence)
        mistakes = [
            Mistake(
                sensitivity / (sensitivity + 1 - specificity),
                "You left the prevalence out, as if half of the people were ill: weigh both groups "
                "by how many they are.",
            ),
            Mistake(
                found / (found + cleared),
                "You divided by the healthy who are *cleared*: those who are told that they are "
                "ill are the 1 - specificity of the healthy.",
            ),
            Mistake(
                cleared / (cleared + prevalence - found),
                "That is the NPV: start from those who are told that they are *ill*.",
            ),
            Mistake(found, "That is the share of all people who are ill and told so: divide it."),
            Mistake(1 - right, "That is the share of false alarms among the alarms."),
            Mistake(100 * right, "That is in per cent: leave it between 0 and 1."),
        ]
        otherwise = (
            f"With a sensitivity of {sensitivity:.3g}, a specificity of {specificity:.3g} and a "
            f"prevalence of {prevalence:.3g} it is {right:.4f}."
        )
        compare(answer(*given), right, mistakes, otherwise)
    return (
        "A PPV from one hospital cannot be carried to another where fewer people are ill; "
        "sensitivity and specificity can, if the people and the device are of the same kind."
    )


@exercise("06-find-the-leak", "function")
def _find_the_leak(answer: Answer) -> str:
    import numpy as np

    random = np.random.default_rng()
    shown = (np.array([4, 4, 4, 7, 9, 9]), np.array([7, 7, 4, 2, 3, 7, 7, 2, 1, 1, 1]))
    drawn = [(random.integers(0, 9, 12), random.integers(3, 15, 10)) for _ in range(3)]
    for train, test in (shown, *drawn):
        leaked = np.isin(test, train)
        mistakes = [
            Mistake(
                len(set(test[leaked])),
                "You counted patients: count the test *images*, of which a patient may have more "
                "than one.",
            ),
            Mistake(
                int(np.isin(train, test).sum()),
                "You counted training images: count those of the test, which flatter the result.",
            ),
            Mistake(int((~leaked).sum()), "You counted the images that are above suspicion."),
            Mistake(leaked.mean(), "That is a share: return how many images there are."),
        ]
        otherwise = (
            f"For training patients {train.tolist()} and test patients {test.tolist()}, "
            f"{leaked.sum()} test images are of patients who were learnt from."
        )
        given = answer(train.copy(), test.copy())
        compare(given, int(leaked.sum()), mistakes, otherwise, EXACT)
    return (
        "Run such a line on every split that you are given, before anything is trained. Where no "
        "patient is recorded, ask; file names often tell."
    )
