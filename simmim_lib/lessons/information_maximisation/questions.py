"""Questions of lesson 05."""

from collections.abc import Iterable, Mapping

import numpy as np

from simmim_lib.exercises.questions import (
    Answer,
    Choice,
    Estimate,
    Option,
    Ordering,
    letter,
    question,
)
from simmim_lib.foundation.intervals import Difference, difference
from simmim_lib.lessons.information_maximisation import study_results


@question(
    Choice(
        "05-without-labels",
        "What can images without a label teach a network that should tell digits apart?",
        [
            Option(
                "nothing: nobody says what the right answer is",
                "Nobody says it for any single image. Something is known about the answers for "
                "many of them, though.",
            ),
            Option(
                "that each shows *one* digit, not half of two, and that all ten digits occur",
                "That is true of every pile of digits, and a network can be held to it without "
                "knowing a single answer.",
            ),
            Option(
                "which digit each one shows, if the network looks often enough",
                "Looking long enough sorts images into groups. What a group is called stands on "
                "no image.",
            ),
        ],
    )
)
def _without_labels() -> Answer:
    batch = np.random.default_rng(0).dirichlet(np.ones(3), 8)
    renamed = study_results.information(batch[:, [1, 2, 0]])
    names_matter = not np.isclose(study_results.information(batch), renamed)
    something = study_results.gains()["mnist", 1].verdict == "gain"
    return Answer(
        letter(something, names_matter),
        "We do not know the answer for any single image, but we know something about the answers "
        "for *many* of them. Each should be confident: a digit is a 3 or an 8. And together they "
        "should be spread over the classes: not everything is a 3. That is not much, but thousands "
        "of images say it. Which digit is called 3, the ten labelled images have to say.",
    )


@question(
    Estimate(
        "05-by-hand",
        "By hand: how many nats does $H(\\text{mean of } p) - \\text{mean of } H(p)$ have for the "
        "network that is *sure and spread*?",
        least=0,
        most=2,
        within=0.1,
        unit="nats",
        too_low="The first half is the entropy of the mean prediction, which is an even guess "
        "although no single prediction is.",
        too_high="There are only two classes: no entropy of two classes is larger than log 2.",
        close="You took the mean first and its entropy afterwards: an even guess, minus no doubt.",
    )
)
def _by_hand() -> Answer:
    return Answer(
        study_results.information(study_results.BATCHES["sure and spread"]),
        "The mean of the two predictions is (½, ½), an even guess, with an entropy of log 2; each "
        "single prediction is certain, with an entropy of 0. This difference is the **mutual "
        "information** between the image and its predicted class. If the network always says cat, "
        "or always shrugs, both halves are equal: its answer says nothing about which image it was "
        "shown. The last column comes from the library's own function, "
        "`losses.mutual_information`, which takes logits.",
    )


@question(
    Choice(
        "05-two-halves",
        "Leave out the first half, $s = 0$, and ask only for a confident prediction for each "
        "unlabelled image: plain **entropy minimisation**. The one label per class keeps its "
        "cross-entropy. What happens?",
        [
            Option(
                "all predictions become unsure",
                "The half that is left punishes doubt: being unsure is the one thing it forbids.",
            ),
            Option(
                "the same as with both: the labelled images keep the classes apart",
                "They pull that way, but ten labelled images are a weak voice against thousands.",
            ),
            Option(
                "many images end up in a few classes, in the extreme case all in one",
                "Whoever always says the same is always sure, and nothing forbids it any more.",
            ),
        ],
    )
)
def _two_halves() -> Answer:
    found = study_results.collapses()
    alone, both = found[1.0, 0.0], found[1.0, 1.0]
    as_good = difference(alone.accuracy, both.accuracy).verdict != "loss"
    few_classes = alone.collapsed.mean() > 0.5
    return Answer(
        letter(as_good, few_classes),
        "To be sure is easiest for whoever always says the same. Nothing in the doubt term forbids "
        "that. This is a **collapse**. The spreading half forbids it: if all images are in one "
        "class, $H(\\text{mean of } p)$ is zero, as small as it gets. Spread alone is not enough "
        "either: an even guess for each image spreads perfectly.\n\n"
        "In the panel set $s$ to 0 and to 1, and watch where the points go. The table counts "
        "classes: with $H$ for the entropy of the shares that the classes get, $e^H$ is 10 if all "
        "ten get equally many images, and 2 if two share them equally (the *effective number* of "
        "classes).",
    )


@question(
    Estimate(
        "05-alarm",
        "Sixty networks were trained, with and without the spreading half. In how many of them is "
        "the alarm *mistaken*: silent at a collapse, or ringing without one?",
        least=0,
        most=60,
        within=3,
        unit="trainings",
        too_low="The alarm looks at other images than those that decide what has happened, so it "
        "could be mistaken more often than that.",
        too_high="A collapse is no subtle thing: most images in a few classes is a sight that "
        "needs no label.",
        close="You trusted the predictions to give a collapse away, and they do.",
    )
)
def _alarm() -> Answer:
    mistaken, trainings = study_results.mistaken_alarms()
    return Answer(
        mistaken,
        f"The alarm is mistaken in {mistaken} of {trainings} trainings. Its rule is coarse on "
        "purpose: it should not ring for a class or two that are merely rare, so a network that "
        "gives up three classes escapes it. `simmim_lib.run` warns in words, and "
        "`result.diagnostics` keeps them, as above.",
    )


@question(
    Choice(
        "05-threshold",
        "Why a threshold? Take the network that knows glyphs and has not seen a single handwritten "
        "digit. Are its confident predictions right more often than the others?",
        [
            Option(
                "no: it has never seen handwriting, so its confidence means nothing",
                "Handwriting is new to it, strokes are not: where an image looks like a printed "
                "digit, the network is sure, and for a reason.",
            ),
            Option(
                "yes, but by less than twenty points",
                "Confidence on unfamiliar images has to be doubted, but here it separates the easy "
                "images from the hard ones.",
            ),
            Option(
                "yes, by twenty points or more",
                "Images on which the network hesitates are the ones between two digits, and there "
                "it is often wrong.",
            ),
        ],
    )
)
def _threshold(correct: np.ndarray, sure: np.ndarray) -> Answer:
    """Compare the images above the threshold with the others.

    Args:
        correct: whether each prediction is right, shape (images,).
        sure: whether its confidence is above the threshold, shape (images,).
    """
    gap = correct[sure].mean() - correct[~sure].mean()
    return Answer(
        letter(gap >= 0.05, gap >= 0.2),
        f"Of the images above the threshold {correct[sure].mean():.0%} are right, of the others "
        f"{correct[~sure].mean():.0%}. The first teach their strong views; then the network is "
        "sure of a few more images, and right about most of them, and so on. The others wait.",
    )


@question(
    Estimate(
        "05-mistakes-removed",
        "One label per class on MNIST, from glyphs. A network fine-tuned on the ten labelled "
        "images, which are turned and stretched anew in each step, makes many mistakes. How many "
        "per cent of them do the images without labels remove?",
        least=0,
        most=100,
        within=10,
        unit="per cent",
        too_low="That a digit is one of ten and that all of them occur sounds like little. But "
        "thousands of images say it, and two views of each agree.",
        too_high="One image per class is all that says which group is called what, and with some "
        "seeds it is an untypical one.",
        close="You gave thousands of images without labels the weight that they have.",
    )
)
def _mistakes_removed() -> Answer:
    plain, augmented, simmim = (
        study_results.measured("mnist", 1, way)
        for way in ("fine-tuned", study_results.AUGMENTED, "SimMIM")
    )
    gains = study_results.gains()
    digits = [gain for (target, _), gain in gains.items() if target != "fashion"]
    unseen = [gain for (target, _), gain in gains.items() if target == "uci-digits"]
    return Answer(
        float(100 * (1 - (1 - simmim.mean()) / (1 - augmented.mean()))),
        "To turn and stretch the labelled images is worth much, too, and needs no other image: "
        f"against fine-tuning on them as they are, it brings {difference(augmented, plain)}. So "
        f"SimMIM is compared with that. Over both collections of digits {_count(digits, 'gain')} "
        f"of {len(digits)} comparisons show a gain; on UCI digits, which the recipe has never "
        f"seen, {_count(unseen, 'gain')} of {len(unseen)} do. On MNIST it is "
        f"{gains['mnist', 1].mean:+.1f} points with one label per class, and "
        f"{gains['mnist', 50].mean:+.1f} with fifty: the more labels there are, the less is left "
        "to gain. In the panel train one network yourself, and see how far it gets in a few steps.",
    )


@question(
    Estimate(
        "05-worst-seed",
        "A mean over ten seeds is not what *you* get: you train once. One label per class on "
        "MNIST: how many per cent of the test images does the *worst* of the ten networks read?",
        least=0,
        most=100,
        within=6,
        unit="per cent",
        too_low="The ten networks share the glyphs and thousands of images; the labelled ten alone "
        "cannot spoil everything.",
        too_high="The interval of the mean is wide, and that has a reason: not all seeds lie close "
        "to it.",
        close="You read the wide interval as a warning.",
    )
)
def _worst_seed() -> Answer:
    one, five = (study_results.measured("mnist", labels, "SimMIM") for labels in (1, 5))
    return Answer(
        float(100 * one.min()),
        f"With one label per class the worst network reads {one.min():.0%}, "
        f"{100 * (np.median(one) - one.min()):.0f} points less than the median; section 10 finds "
        f"out why. With five labels per class the worst reads {five.min():.0%}. **Patience**, "
        "three times as many steps, is in the last two rows: compare them with the same target and "
        "five labels per class.",
    )


@question(
    Choice(
        "05-fashion",
        "Fashion: the images are clothes, the source knows letters and digits, and there are five "
        "labels per class. What do images without labels bring there, compared with augmented "
        "labelled images alone?",
        [
            Option(
                "a gain, but less than ten points",
                "The term sharpens borders that are there already; between shirts and coats there "
                "is not much of a border.",
            ),
            Option(
                "ten points or more, as with digits",
                "A shirt and a coat differ by less than two handwritten threes do: there are fewer "
                "gaps to find.",
            ),
            Option(
                "no clear difference, or a loss",
                "Far from the digits that the recipe was chosen on it might well fail; but some "
                "clothes, a boot and a bag, are easily told apart.",
            ),
        ],
    )
)
def _fashion() -> Answer:
    few, more = (study_results.gains()["fashion", labels] for labels in (5, 20))
    return Answer(
        letter(few.verdict == "gain" and few.mean >= 10, few.verdict != "gain"),
        f"SimMIM minus augmented: {few.size} points with 5 labels per class, {more.size} with "
        "20. Why not more? The term can only sharpen decision boundaries that are already there, "
        "by pushing them to where few images lie (the **low-density** or **cluster assumption**). "
        "Between digits there are such gaps; between shirts, coats and pullovers there hardly are. "
        "The augmentation, too, was designed for digits: it may change a shirt in ways that "
        "matter.",
    )


@question(
    Choice(
        "05-claim",
        "Take all comparisons of section 4 with up to five labels per class. Does the claim hold "
        "there, and owing to what?",
        [
            Option(
                "it holds, because tasks are joined",
                "Joining tasks is what the article praises. Count the targets in each row of "
                "section 4: there is one.",
            ),
            Option(
                "it holds, because of images without labels",
                "In each row both networks have the same source, the same labels, steps and views; "
                "only one of them has seen more images.",
            ),
            Option(
                "it does not hold throughout",
                "Clothes gained less than digits did, but less of a gain is still a gain.",
            ),
        ],
    )
)
def _claim() -> Answer:
    gains = study_results.gains()
    scarce = [gain for (_, labels), gain in gains.items() if labels <= 5]
    holds = _count(scarce, "gain") == len(scarce)
    # The targets are alone in every row, so that nothing is due to joining them.
    return Answer(
        "b" if holds else "c",
        f"With up to five labels per class {_count(scarce, 'gain')} of {len(scarce)} comparisons "
        f"show a gain, {_count(scarce, 'loss')} a loss; over all numbers of labels "
        f"{_count(gains.values(), 'gain')} of {len(gains)} show a gain, "
        f"{_count(gains.values(), 'loss')} a loss. But note what brings the gain: images without "
        "labels, which the article does not mention. On labelled images alone there is no such "
        "term. And the other network never saw those images, so this compares a method that uses "
        "more data with one that uses less.",
    )


@question(
    Choice(
        "05-shares",
        "Nine in ten unlabelled images show a 1, while the recipe expects all digits equally often "
        "(the test images are as always). What happens?",
        [
            Option(
                "some of the ones are called something else, to fill up the other classes",
                "The spreading half wants every class to have its share. Somebody has to fill it.",
            ),
            Option(
                "nothing: five labels per class know better",
                "Fifty labelled images say what a 1 is; thousands are told that only every tenth "
                "may be one.",
            ),
            Option(
                "everything is called a 1",
                "That would suit the images. It would not suit a term that wants ten classes of "
                "equal size.",
            ),
        ],
    )
)
def _shares() -> Answer:
    found = study_results.surprises()
    skewed = _change(found, "nine in ten are ones", study_results.AS_IT_SHOULD_BE)
    largest = study_results.unlike_expected("nine in ten are ones", "largest share").mean()
    known = _change(found, "ones, shares known", "nine in ten are ones")
    without = _change(found, "ones, no information", "nine in ten are ones")
    harm = _change(found, "nine in ten are ones", study_results.NONE)
    return Answer(
        letter(skewed.verdict != "loss", largest > 0.9),
        f"With the wrong expectation, compared with balanced images: {skewed}. The spreading half "
        "wants every class to have its share, and takes it from the ones: in the panel, look for "
        "ones among the wrong answers. With the right shares (`class_prior`), compared with the "
        f"wrong ones: {known}. Leaving the term out, compared with the wrong ones: {without}. Such "
        f"a heap may be worse than none: compared with no unlabelled image at all, {harm}. So know "
        "your class proportions.",
    )


_CLOTHES = {
    "a": "half are clothes",
    "b": study_results.AS_IT_SHOULD_BE,
    "c": "clothes, no information",
}


@question(
    Ordering(
        "05-strangers",
        "Now half of the unlabelled images are clothes, which are no digits at all "
        "(**out-of-distribution** images). Five labels per class; put three ways to read MNIST in "
        "order, the worst first.",
        [
            Option(
                "clothes among the digits, with the whole recipe",
                "A shirt has to be some digit, confidently: that misleads, but the digits beside "
                "it still teach.",
            ),
            Option(
                "digits only, with the whole recipe",
                "This is what the recipe was made for: nothing misleads it.",
            ),
            Option(
                "clothes among the digits, without the information term",
                "The agreement waits for confident predictions, so it can pass over most clothes; "
                "the information term cannot.",
            ),
        ],
    )
)
def _strangers() -> Answer:
    found = study_results.surprises()
    order = sorted(_CLOTHES, key=lambda each: found[_CLOTHES[each]].mean())
    clothes = _change(found, "half are clothes", study_results.AS_IT_SHOULD_BE)
    without = _change(found, "clothes, no information", "half are clothes")
    nothing = _change(found, "half are clothes", study_results.NONE)
    return Answer(
        "".join(order),
        f"Clothes among the digits, compared with digits only: {clothes}. With the clothes, "
        f"leaving the information term out: {without}. Compared with no unlabelled image at all, "
        f"the whole recipe with the clothes: {nothing}. The term asks every image for a confident "
        "answer and for its share of the classes, a shirt as well as a 3. So know what else is "
        "among the unlabelled images. *Set the panel above to clothes, and watch both.*",
    )


_PARTS = {"a": "glyphs as a source", "b": "information", "c": "agreement"}
"""The parts of the recipe that a prediction chooses from."""


@question(
    Choice(
        "05-omission",
        "One label per class. Which of these costs the most if it is left out?",
        [
            Option(
                "glyphs as a source",
                "A network that knows printed characters has a head start. Whether it is needed "
                "depends on what else there is to learn from.",
            ),
            Option(
                "the information term",
                "The lesson is named after it. But agreement makes predictions confident, too, and "
                "stands in for part of it.",
            ),
            Option(
                "the agreement of the two views",
                "It is the part that carries an answer from images that are easy to images that "
                "are not.",
            ),
        ],
    )
)
def _omission() -> Answer:
    one, five = study_results.omissions().values()
    right = min(_PARTS, key=lambda each: one[_PARTS[each]].mean)
    second, dearest = sorted(_PARTS.values(), key=lambda part: -one[part].mean)[1:]
    accuracies = study_results.without_parts()[1]
    clear = difference(accuracies[dearest], accuracies[second]).verdict == "loss"
    return Answer(
        right,
        f"Leaving out *{dearest}* changes the accuracy by {one[dearest].size} points, which is "
        f"{'clearly' if clear else 'not clearly'} worse than leaving out *{second}*. With five "
        f"labels per class it changes the accuracy by {five[dearest].size} points.\n\n"
        f"- Parts whose omission is a clear loss with one label: {_named(one, 'loss')}; with five: "
        f"{_named(five, 'loss')}.\n"
        f"- Parts whose omission is a clear *gain*, so that the recipe would be better without "
        f"them, with one label: {_named(one, 'gain')}; with five: {_named(five, 'gain')}.\n"
        "- For the others the intervals contain zero, and we claim nothing.\n\n"
        "Note what leaving out single parts cannot show: two parts may stand in for each other. "
        "Agreement also makes predictions confident, and the threshold keeps doubtful ones out; so "
        "information or agreement may hardly be missed while the other is there. That is why one "
        "row leaves out both.",
    )


def _named(changes: Mapping[str, Difference], verdict: str) -> str:
    return ", ".join(part for part in changes if changes[part].verdict == verdict) or "none"


@question(
    Choice(
        "05-no-labels",
        "MNIST without a single label, trained together with labelled UCI digits. How much better "
        "is that than a network that has learned UCI digits and never seen MNIST?",
        [
            Option(
                "more than ten points",
                "UCI digits say what the classes are, MNIST what its images look like, and the "
                "shared head brings them together.",
            ),
            Option(
                "up to ten points",
                "Images without labels sharpen what a network knows; how far depends on how nearly "
                "right it is at the start.",
            ),
            Option(
                "not better",
                "No label of MNIST says what a 3 is. The labels of UCI digits do, and the two "
                "collections are alike.",
            ),
        ],
    )
)
def _no_labels() -> Answer:
    changes = {
        name: difference(after, before)
        for name, (before, after) in study_results.directions().items()
    }
    gain = changes["UCI digits to MNIST"]
    none, five = (study_results.measured("mnist", labels, "SimMIM") for labels in (0, 5))
    against_labels = difference(none, five)
    return Answer(
        letter(gain.mean <= 10, gain.verdict != "gain"),
        f"It changes the accuracy by {gain.size} points; {_count(changes.values(), 'gain')} of "
        f"{len(changes)} directions show a clear gain over the network that has not seen the "
        "target. In the panel watch the confusion matrix: the digits that were nearly right clear "
        "up first, the pairs that look alike in both collections last. From glyphs without a label "
        f"of MNIST, compared with five labels per class and a fresh head: {against_labels}. A head "
        "that knows the classes is worth as much as some labels.",
    )


@question(
    Choice(
        "05-calibration",
        "Two networks, one label per class of MNIST. Which one is better calibrated?",
        [
            Option(
                "the one that was fine-tuned on the labelled images alone",
                "It was never asked to be sure of new images, but nothing taught it to doubt "
                "itself either.",
            ),
            Option(
                "SimMIM",
                "It is sure of nearly everything. That is deserved where nearly everything is "
                "right.",
            ),
            Option(
                "they do not differ clearly",
                "Both end in a softmax, but one of them has been pushed to be sure, and one is "
                "right far more often.",
            ),
        ],
    )
)
def _calibration() -> Answer:
    changes = study_results.calibration_changes()
    first = changes["mnist", 1]
    better = [
        f"{target} with {labels} {'label' if labels == 1 else 'labels'} per class"
        for (target, labels), change in changes.items()
        if change.verdict == "gain"
    ]
    return Answer(
        letter(first.verdict == "gain", not first.is_clear),
        "In the diagram, each bar holds predictions of about the same confidence; its height is "
        "the share of them that are right (a **reliability diagram**). On the diagonal, confidence "
        "and accuracy agree. Choose the other way in the panel, and go through its three runs. The "
        "**expected calibration error** is the mean distance from the diagonal, with every "
        "prediction counting the same "
        "([Guo et al. 2017](https://arxiv.org/abs/1706.04599)). The last table has it over ten "
        f"seeds, with the full recipe: SimMIM is better in {len(better)} of {len(changes)} rows "
        f"({'; '.join(better) or 'none'}).\n\n"
        "Two things pull against each other: the term makes every prediction more confident, and "
        "most of them right. Where most become right, the confidence is deserved. Where they do "
        "not, SimMIM is sure of its mistakes.",
    )


@question(
    Choice(
        "05-worst-network",
        "With one label per class, the worst of the ten seeds is far below the others, and even "
        "there the alarm is silent. What has happened?",
        [
            Option(
                "the predictions use only a few classes",
                "That is what the alarm rings for, and it is silent: every class gets its share.",
            ),
            Option(
                "the training has not come to an end",
                "All ten seeds were trained for the same number of steps, and the others are "
                "there.",
            ),
            Option(
                "two digits have swapped their names",
                "The ten groups of images are all there. Which group is called what, one labelled "
                "image has to say.",
            ),
        ],
    )
)
def _worst_network() -> Answer:
    every = study_results.measured("mnist", 1, "SimMIM")
    missing = np.median(every) - every.min()
    collapsed = bool(study_results.worst_seed_alarm().collapsed.all())
    # Two swapped names of ten cost the images of two digits, two tenths of all.
    return Answer(
        "a" if collapsed else letter(True, round(10 * missing) == 2),
        f"Its accuracy lies {100 * missing:.0f} points below that of the median seed, and two "
        "digits of ten are a fifth of the images. When such a seed is trained again, its confusion "
        "matrix shows two digits that have **swapped their names**: the term finds the ten "
        "clusters of images, but only the labelled image says which cluster is called 0, and one "
        "untypical image can get it wrong. Look for it among those above, and for a run in the "
        "panel to which something like that has happened.\n\n"
        "The predictions are confident, evenly spread and consistent, so every check of this "
        "network alone passes that works without labels. A second label per class makes a swap "
        "rare, as the table of worst seeds in section 4 shows; and a few labelled images set aside "
        "will reveal it.\n\n" + _compared_names(),
    )


def _compared_names() -> str:
    """Tell what comparing with another network finds."""
    wrong, rings = study_results.swapped("swapped") > 0, study_results.swapped("by the source") > 0
    before, after = study_results.swapped(), study_results.swapped("renamed")
    worst, without = int(before.argmin()), study_results.measured("mnist", 0, "SimMIM").mean()
    return (
        "Can another network see it, without a label? Section 9 has one whose names come from the "
        "glyphs. Match each class of the one with that class of the other with which it shares the "
        f"most images: do the names agree? Of {len(wrong)} networks, each with its own draw of one "
        f"label per class, {wrong.sum()} swapped names; this alarm finds {(wrong & rings).sum()} "
        f"of them, and rings falsely {(rings & ~wrong).sum()} times. With the names of the network "
        f"without labels, the worst one goes from {before[worst]:.0%} to {after[worst]:.0%}. But "
        f"such networks read {without:.0%} themselves, on average: whoever has a source that knows "
        "the classes can keep its names. Most of the other networks (second row) need no such "
        "source, but each of them has seen labels of its own. So few swaps are examples and no "
        "rate, and all were compared with the same network without labels."
    )


def _change(found: Mapping[str, np.ndarray], name: str, baseline: str) -> Difference:
    return difference(found[name], found[baseline])


def _count(differences: Iterable[Difference], verdict: str) -> int:
    return sum(change.verdict == verdict for change in differences)
