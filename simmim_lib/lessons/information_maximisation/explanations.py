"""The lesson's explanations that follow from measured numbers: which prediction came true, and why.

A verdict is computed here, never typed, so that it cannot disagree with the numbers beside it.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from simmim_lib.foundation.intervals import Difference, difference

if TYPE_CHECKING:
    import numpy as np
    from IPython.display import Markdown

    Gains = Mapping[tuple[str, int], Difference]  # by target and labels per class

PARTS = {"information": "(a)", "agreement": "(b)", "glyphs as a source": "(c)"}
"""The parts of the recipe that a prediction chooses from, and their answers."""


def letter(*conditions: bool) -> str:
    """Return the answer that came true, such as "(b)".

    Args:
        conditions: what answer (b) says, what answer (c) says, and so on; of those that hold the
            last one counts. If none holds, it is (a).
    """
    holding = [position for position, holds in enumerate(conditions, start=1) if holds]
    return f"({'abcdef'[max(holding, default=0)]})"


def threshold(correct: "np.ndarray", sure: "np.ndarray") -> "Markdown":
    """Explain whether the images above the threshold are right more often.

    Args:
        correct: whether each prediction is right, shape (images,).
        sure: whether its confidence is above the threshold, shape (images,).
    """
    gap = correct[sure].mean() - correct[~sure].mean()
    return _explain(
        f"{letter(gap >= 0.05, gap >= 0.2)}. The images above the threshold are right "
        f"{100 * gap:.0f} points more often than the others. They teach their strong views; then "
        "the network is sure of a few more images, and right about most of them, and so on. The "
        "others wait."
    )


def mistakes_removed(gains: "Gains", simmim: "np.ndarray", fine_tuned: "np.ndarray") -> "Markdown":
    """Explain how many mistakes images without labels take away.

    Args:
        gains: of SimMIM over fine-tuning.
        simmim: accuracies with one label per class of MNIST, shape (seeds,).
        fine_tuned: the same of fine-tuning.
    """
    removed = 1 - (1 - simmim.mean()) / (1 - fine_tuned.mean())
    digits = [gain for (target, _), gain in gains.items() if target != "fashion"]
    unseen = [gain for (target, _), gain in gains.items() if target == "uci-digits"]
    return _explain(
        f"{letter(removed >= 0.25, removed > 0.75)}. With one label per class {removed:.0%} of the "
        f"mistakes are gone. Over both collections of digits {_count(digits, 'gain')} of "
        f"{len(digits)} comparisons show a gain; on UCI digits, which the recipe has never seen, "
        f"{_count(unseen, 'gain')} of {len(unseen)} do. On MNIST it is "
        f"{gains['mnist', 1].mean:+.1f} points with 1 label per class and "
        f"{gains['mnist', 50].mean:+.1f} with 50: the more labels there are, the less is left to "
        "gain. Note the wide interval for one label per class: section 8 looks at its worst seed."
    )


def fashion(gains: "Gains") -> "Markdown":
    """Say what images without labels bring for clothes."""
    few, more = gains["fashion", 5], gains["fashion", 20]
    large = [
        f"with {labels} labels"
        for labels, gain in ((5, few), (20, more))
        if gain.verdict == "gain" and gain.mean >= 5
    ]
    return _paragraph(
        f"SimMIM minus fine-tuning: {few} with 5 labels per class, {more} with 20. A clear gain of "
        f"five points or more: {' and '.join(large) or 'in neither case'}."
    )


def omissions(
    changes: Mapping[int, Mapping[str, Difference]], accuracies: "Mapping[str, np.ndarray]"
) -> "Markdown":
    """Explain which part of the recipe costs most if it is left out.

    Args:
        changes: for 1 and for 5 labels per class, by part, what leaving it out changes.
        accuracies: with one label per class, by the part that is left out, shape (seeds,).
    """
    one, five = changes[1], changes[5]
    second, dearest = sorted(PARTS, key=lambda part: -one[part].mean)[1:]
    clear = difference(accuracies[dearest], accuracies[second]).verdict == "loss"
    return _explain(
        f"{PARTS[dearest]}: without *{dearest}* the accuracy changes by {one[dearest].mean:+.0f} "
        f"points, {'clearly' if clear else 'not clearly'} more than without *{second}*. With five "
        f"labels per class the same omission costs {five[dearest].mean:+.0f}. Parts whose omission "
        f"shows a clear loss, with one label: {_losses(one)}; with five: {_losses(five)}. For the "
        "others the intervals contain zero or lie above it, and we claim nothing."
    )


def _losses(changes: Mapping[str, Difference]) -> str:
    losses = [part for part, change in changes.items() if change.verdict == "loss"]
    return ", ".join(losses) or "nothing"


def no_labels(directions: Mapping[str, Difference], few_labels: Difference) -> "Markdown":
    """Explain what is possible without one label of the target.

    Args:
        directions: by source and target, the gain over the source alone.
        few_labels: glyphs without a label of MNIST, minus five labels per class.
    """
    gain = directions["UCI digits to MNIST"]
    return _explain(
        f"{letter(gain.verdict == 'gain', gain.mean > 10)}: {gain.mean:+.0f} points. "
        f"{_count(directions.values(), 'gain')} of {len(directions)} directions show a clear gain "
        "over the network that has not seen the target. In the panel watch the confusion matrix: "
        "the digits that were nearly right clear up first, the pairs that look alike in both "
        "collections last. Glyphs without a label of MNIST, compared with five labels per class "
        f"and a fresh head: {few_labels}. A head that knows the classes is worth as much as some "
        "labels."
    )


def surprises(outcomes: "Mapping[str, np.ndarray]") -> "Markdown":
    """Explain what happens if the unlabelled images are not what the recipe expects.

    Args:
        outcomes: accuracies by what the images are and what the recipe knows of it, shape (seeds,).
    """

    def change(name: str, baseline: str) -> Difference:
        return difference(outcomes[name], outcomes[baseline])

    skewed = change("nine in ten are ones", "as it should be")
    return _explain(
        f"{letter(skewed.verdict == 'loss')}. With the wrong expectation, compared with balanced "
        f"images: {skewed}. The spreading half wants every class to have its share, and takes it "
        "from the ones. With the right shares (`class_prior`), compared with the wrong ones: "
        f"{change('ones, shares known', 'nine in ten are ones')}. Leaving the term out: "
        f"{change('ones, no information', 'nine in ten are ones')}. Clothes "
        "(**out-of-distribution** images) among the digits, compared with digits only: "
        f"{change('half are clothes', 'as it should be')}; there, leaving the term out: "
        f"{change('clothes, no information', 'half are clothes')}. So know your class shares, and "
        "look through the unlabelled images."
    )


def calibrated(verdicts: Mapping[str, str]) -> "Markdown":
    """Explain which network's confidence is to be believed.

    Args:
        verdicts: "better", "worse" or a doubt about SimMIM's calibration, by target and labels;
            first of MNIST with one label per class.
    """
    better = [row for row, verdict in verdicts.items() if verdict == "better"]
    first = next(iter(verdicts.values()))
    answer = letter(first == "better") if first in ("better", "worse") else "Neither, clearly"
    return _explain(
        f"{answer}, for MNIST with one label per class. SimMIM is better calibrated in "
        f"{len(better)} of the {len(verdicts)} rows ({'; '.join(better) or 'none'})."
    )


def claim(gains: "Gains") -> "Markdown":
    """Say whether the article's claim on limited data holds.

    Args:
        gains: of SimMIM over fine-tuning.
    """
    every = list(gains.values())
    scarce = [gain for (_, labels), gain in gains.items() if labels <= 5]
    holds = _count(scarce, "gain") == len(scarce)
    return _paragraph(
        f"With up to five labels per class the claim "
        f"**{'holds' if holds else 'does not hold throughout'}** in this setting: "
        f"{_count(scarce, 'gain')} of {len(scarce)} comparisons show a gain, "
        f"{_count(scarce, 'loss')} a loss; over all numbers of labels {_count(every, 'gain')} of "
        f"{len(every)} show a gain, {_count(every, 'loss')} a loss."
    )


def _count(differences: Iterable[Difference], verdict: str) -> int:
    return sum(change.verdict == verdict for change in differences)


def _explain(text: str) -> "Markdown":
    return _paragraph(f"**Explain.** {text}")


def _paragraph(text: str) -> "Markdown":
    from IPython.display import Markdown

    return Markdown(text)
