"""Questions of lesson 06."""

import numpy as np

from simmim_lib.diagnostic_accuracy import (
    Confusion,
    accuracy_when_sure,
    auc,
    net_benefit,
    predictive_values,
)
from simmim_lib.exercises.questions import Answer, Choice, Estimate, Option, letter, question
from simmim_lib.foundation.intervals import difference
from simmim_lib.lessons.medical_images import studies, study_results
from simmim_lib.lessons.medical_images.figures import measured
from simmim_lib.lessons.medical_images.readings import Reading


@question(
    Choice(
        "06-always-ill",
        "What did the three networks behind this row of the table do?",
        [
            Option(
                "they called about six images in ten correctly, each in its own way",
                "Networks that err in their own ways do not all get the same number right, to the "
                "last image: look at the ± 0.00.",
            ),
            Option(
                "they guessed",
                "Guessing would leave the AUC near one half, and the accuracy would differ from "
                "network to network.",
            ),
            Option(
                "they called every test image pneumonia",
                "Then the accuracy is the share of pneumonia in the test part, the same for every "
                "network, whatever their probabilities are.",
            ),
        ],
    )
)
def _always_ill() -> Answer:
    normal, ill = studies.PNEUMONIA_TEST
    share_of_test = ill / (normal + ill)
    same = abs(share_of_test - study_results.PUBLISHED_ACCURACY) < 0.0005
    return Answer(
        letter(False, same),
        f"Of the test images {share_of_test:.1%} show pneumonia. Whoever says so of everybody has "
        "that accuracy, and nothing else explains it so simply. The AUC of the same networks is "
        "far better than guessing: their probabilities do rank the ill above the healthy, but "
        "all on one side of the threshold. A likely reason is at hand: of the *training* images "
        f"{studies.SHARES[1]:.1%} show pneumonia, so the networks learn to expect it. "
        "This is a shift of prevalence inside an official split.",
    )


@question(
    Estimate(
        "06-alarmed",
        "The threshold was chosen on validation images so that nine in ten of the ill are found. "
        "What percentage of the *healthy* test images will raise a false alarm?",
        least=0,
        most=100,
        within=12,
        unit="per cent",
        too_low="To find nearly all of the ill, the threshold must go down to the faintest "
        "opacities, and there many healthy images lie, too.",
        too_high="The network does tell many healthy images from ill ones; those that look like "
        "the faintest opacities are alarmed.",
        close="You saw that a high sensitivity is paid for with false alarms.",
    )
)
def _alarmed(counts: Confusion) -> Answer:
    return Answer(
        100 * (1 - counts.specificity),
        f"On the test images the sensitivity is {counts.sensitivity:.0%}. It need not be exactly "
        "what it was on validation images: the threshold was fixed before. Choosing it on the test "
        "images would make the numbers look better than they will be on the next patient. The "
        "curve in the panel has a point for each threshold: it is the **ROC curve**, and the area "
        "under it is the AUC. Move the threshold, and look at both kinds of error among a hundred "
        "people; then move the share of ill people, and look at the last line.",
    )


@question(
    Estimate(
        "06-worth-of-an-alarm",
        "A test finds nine in ten of the ill and clears nine in ten of the healthy. One person in "
        "a hundred is ill. Of a hundred people who are *told that they are ill*, how many are?",
        least=0,
        most=100,
        within=6,
        unit="people",
        too_low="One in a hundred was ill before the test; a positive answer does make illness "
        "more likely.",
        too_high="The healthy are ninety-nine times as many as the ill: one in ten of them is far "
        "more than nine in ten of the ill.",
        close="You counted the false alarms among the many healthy people.",
    )
)
def _worth_of_an_alarm() -> Answer:
    value, _ = predictive_values(0.9, 0.9, 0.01)
    return Answer(
        100 * value,
        "Of a thousand people ten are ill, and nine of these are told so. Of the 990 healthy "
        "ones 99 are told so, too. Sensitivity and specificity did not change; what a positive "
        "answer is worth depends on the **prevalence**. A study in which half of the people are "
        "ill says little about screening.",
    )


@question(
    Choice(
        "06-fewer-ill",
        "The network learnt where about half of the people were ill. Now one in ten is. What "
        "happens to its AUC and to its probabilities?",
        [
            Option(
                "the AUC hardly changes, but the probabilities are too high",
                "Ranking an ill person above a healthy one does not depend on how many there are "
                "of each; a probability does.",
            ),
            Option(
                "the AUC falls, and the probabilities stay right",
                "A probability says how many of such people are ill. With fewer ill people it "
                "cannot stay right.",
            ),
            Option(
                "both stay as they are: the images are of the same kind",
                "The images of each group are; but an unclear image now is more often one of a "
                "healthy person.",
            ),
        ],
    )
)
def _fewer_ill(before: Reading, now: Reading) -> Answer:
    areas = [auc(each.labels, each.probabilities) for each in (before, now)]
    too_high = now.probabilities.mean() - now.labels.mean() > 0.05
    fell = areas[0] - areas[1] > 0.05
    return Answer(
        letter(fell, not fell and not too_high),
        f"The mean probability is {now.probabilities.mean():.0%}, where {now.labels.mean():.0%} "
        "are ill. `for_prevalence` multiplies each person's odds, p / (1 - p), by the odds of "
        "being ill now over those before, here by 1/9: that is Bayes' rule, as in exercise 4. It "
        "needs the two shares, but no new training, and it leaves the order of people, and so the "
        "AUC, as it is. In the left-hand diagram the bars end below "
        "the dashed line: fewer are ill than the network says. The right-hand one shows what the "
        "correction brings. The **Brier score** above each is the mean squared difference of "
        "probability and truth; 0 is best.",
    )


@question(
    Choice(
        "06-reversed-hospital",
        "In the first hospital, device B takes most images of ill patients (tie 0.9). The network "
        "learns there and is tested in a second hospital, where device B takes most images of the "
        "*healthy*. Which AUC do you expect there?",
        [
            Option(
                "a little lower than in the first hospital",
                "That would be so if the network looked at the lungs. The marker in the corner "
                "tells the diagnosis more easily.",
            ),
            Option(
                "far below one half: worse than guessing",
                "Who has learnt that a marker means illness is wrong wherever it means the "
                "opposite.",
            ),
            Option(
                "about one half: what it learnt is of no use",
                "It would be, if the device told nothing there. But it tells the opposite.",
            ),
        ],
    )
)
def _reversed_hospital() -> Answer:
    _, other = study_results.hospitals().values()
    versus_guessing = difference(other[0.9], np.full_like(other[0.9], 0.5)).verdict
    return Answer(
        {"gain": "a", "loss": "b"}.get(versus_guessing, "c"),
        "The network takes the **shortcut**: a marker and a tone curve are easier to see than a "
        "faint opacity, and in the first hospital they tell more. The AUC over all "
        "images of that hospital does not warn you, since its test images have the same tie. "
        "An AUC *within each device* would, where somebody wrote the device down: among images of "
        "one device only the lungs differ. With a tie of 0 the "
        "network has nothing to read but the lungs, and both hospitals agree. The same has been "
        "found on real radiographs: networks for pneumonia recognised the hospital "
        "([Zech et al. 2018](https://doi.org/10.1371/journal.pmed.1002683)).",
    )


@question(
    Choice(
        "06-remedy",
        "A remedy: of each device, learn from as many ill as healthy patients, and leave out the "
        "rest. At a tie of 0.9 few images remain. What will it bring in the second hospital?",
        [
            Option(
                "nothing: with so few images it learns nothing at all",
                "Few images teach little, but what they teach is now about the lungs.",
            ),
            Option(
                "all of it: the AUC is as high as it was in the first hospital",
                "There the device helped, and there were far more images. Both are gone.",
            ),
            Option(
                "much of it: better than guessing again, but below the first hospital",
                "The device tells nothing any more, so only the lungs are left to learn from, and "
                "few images of them.",
            ),
        ],
    )
)
def _remedy() -> Answer:
    same, _, balanced = (each[0.9] for each in study_results.hospitals(balanced=True).values())
    above = difference(balanced, np.full_like(balanced, 0.5)).verdict == "gain"
    below_home = difference(balanced, same).verdict == "loss"
    return Answer(
        letter(above and not below_home, above and below_home),
        "Balancing works because somebody *knew* of the device: it was written down. And it is "
        "paid for with images. At a tie of 0 there is nothing to repair, and leaving out images "
        "can only cost. What remains to be done for an unknown shortcut is to test in another "
        "hospital before anybody relies on the network.",
    )


@question(
    Estimate(
        "06-leak",
        "Each patient has three images. A network learns from two of them and is tested on the "
        "third; another learns from as many images of *other* patients and is tested on the same "
        "images. By how many points of AUC is the first one ahead?",
        least=0,
        most=30,
        within=3,
        unit="points",
        too_low="A network with many more weights than images knows its patients again: their "
        "ribs and hearts are the same in the third image.",
        too_high="Posture, exposure and noise differ from image to image, so that memory helps "
        "only in part.",
        close="You saw that memory helps, though the third image is a new one.",
    )
)
def _leak() -> Answer:
    same, others = study_results.leak()
    found = difference(same, others)
    return Answer(
        found.mean,
        f"The difference is {found}. Nobody learnt more about opacities: the first network "
        "recognises *people*, and remembers who was ill. New patients will not profit. So a split "
        "must be made **by patient**; with your own images, `folder:PATH` takes `group=` for that, "
        "and refuses a patient who stands in two parts. The size of the leak depends on the number "
        "of patients and on the length of training: with many patients and few steps it is hardly "
        "seen, which does not make it right.",
    )


@question(
    Choice(
        "06-few-labels",
        "Chest phantoms of new patients, 20 labels a class. Which source is furthest ahead of "
        "training from scratch?",
        [
            Option(
                "ImageNet: a million photographs of cats, cups and cars",
                "Edges, spots and textures are in radiographs, too; but nobody has taught the "
                "network what a lung is.",
            ),
            Option(
                "phantoms of other patients: fewer images, but of the same kind",
                "The source has the same task, so that hardly anything is left to learn.",
            ),
            Option(
                "glyphs: the source that served digits well",
                "Glyphs are sharp lines of ink. An opacity has neither lines nor edges.",
            ),
        ],
    )
)
def _few_labels() -> Answer:
    ways = study_results.few_labels()[20]
    scratch = ways["from scratch"]
    gains = [
        difference(ways[way], scratch).mean
        for way in ("ImageNet, middle features", "from other phantoms", "from glyphs")
    ]
    unlabelled = [
        difference(ways[f"from phantoms, {how}"], scratch).mean for how in ("masked", "contrastive")
    ]
    return Answer(
        "abc"[int(np.argmax(gains))],
        "ImageNet brings {:+.1f} points of AUC, other phantoms {:+.1f} and glyphs {:+.1f}; the "
        "table has their intervals. (ImageNet's network is larger, too.) The same task on images "
        "of the same kind brings most: whoever has labelled ones, from wherever, should start from "
        "them. For real scans that is rarely the case, and photographs are what everybody has. "
        "Without their "
        "labels, the other phantoms bring {:+.1f} points (masked) and {:+.1f} (contrastive): "
        "here the task transfers, more than the look of the images.".format(*gains, *unlabelled),
    )


@question(
    Estimate(
        "06-few-pneumonia",
        "PneumoniaMNIST, 20 labels a class. By how many points of AUC is a linear head on "
        "ImageNet's *middle* features ahead of a network from scratch?",
        least=-10,
        most=30,
        within=4,
        unit="points",
        too_low="Forty images are few to learn from what an edge or a texture is; ImageNet has "
        "taught that.",
        too_high="From forty images, a small network does learn something: pneumonia makes large "
        "parts of a lung brighter.",
        close="You saw what photographs bring to radiographs.",
    )
)
def _few_pneumonia() -> Answer:
    ways = study_results.few_pneumonia_labels()
    last, middle = (ways[f"ImageNet, {which} features"] for which in ("last", "middle"))
    versus_scratch = difference(middle, ways["from scratch"])
    versus_last = difference(middle, last)
    return Answer(
        versus_scratch.mean,
        f"The difference is {versus_scratch}. Against a head on the *last* features "
        f"it is {versus_last}: {_which_layers(versus_last.verdict)} Phantoms, which are computed, "
        "stand in the figure, too: see whether a synthetic source helps on real images.",
    )


def _which_layers(verdict: str) -> str:
    return {
        "gain": "what the last layers see is made for the things in photographs.",
        "loss": "here the last layers serve better.",
    }.get(verdict, "which layers are used hardly matters here.")


@question(
    Choice(
        "06-information",
        "It was left out, and put in, for phantoms with 5, 20 and 100 labels a class, and for "
        "PneumoniaMNIST with 20, there also with the share of the ill told to the network. In how "
        "many of these five comparisons does the term bring a clear gain?",
        [
            Option(
                "in all of them, as with handwritten digits",
                "Digits form separate groups. An opacity can be arbitrarily faint, so that there "
                "is no gap between ill and healthy.",
            ),
            Option(
                "in some of them",
                "The term sharpens what is there already; that may help at one number of labels "
                "and harm at another.",
            ),
            Option(
                "in none of them",
                "Between ill and healthy images there is no gap into which a boundary could be "
                "pushed.",
            ),
        ],
    )
)
def _information() -> Answer:
    found = study_results.what_information_adds().values()
    gains, losses = (sum(each.verdict == way for each in found) for way in ("gain", "loss"))
    return Answer(
        letter(0 < gains < len(found), gains == 0),
        f"Clear gains: {gains}, clear losses: {losses}, of {len(found)} comparisons. The claim of "
        "the article, that maximising information makes better use of few labels, is a matter of "
        "the data: it held for digits in lesson 05. The last row tells the network which share of "
        "the patients is ill (`class_prior`), which a hospital knows of its own; without that, the "
        "term expects equal shares. Public comparisons of semi-supervised methods "
        "on medical images find gains of a few points with some methods and losses with others "
        "([Wang et al. 2022](https://arxiv.org/abs/2208.07204)). Measure it on yours.",
    )


@question(
    Choice(
        "06-together",
        "One network learns from one clinic's images whether somebody is ill *and* which finding "
        "there is. Against a network for each, what happens to the AUC of illness, with 5 labels?",
        [
            Option(
                "it falls: two tasks share one trunk",
                "They would be in each other's way if they needed different features. Both look "
                "for opacities.",
            ),
            Option(
                "it rises: labels of findings say where to look",
                "Every labelled finding is another image of an ill person, even if nobody has "
                "said so.",
            ),
            Option(
                "no clear difference",
                "The tasks are nearly the same, and the other task's labels are on other images.",
            ),
        ],
    )
)
def _together() -> Answer:
    found = study_results.together()
    fewest, more = (found[labels]["illness"] for labels in (5, 20))
    return Answer(
        {"loss": "a", "gain": "b"}.get(fewest.verdict, "c"),
        f"With 5 labels the difference is {fewest}; with 20 it is {more}. For the findings it is "
        f"{found[5]['findings']} and {found[20]['findings']}. The two tasks go together as few "
        "tasks do, so that this is the best case for learning jointly.",
    )


@question(
    Choice(
        "06-brighter",
        "All test images become somewhat brighter (severity 3), as if the exposure had changed. A "
        "person would see the same. What does the network do, at the threshold that was fixed?",
        [
            Option(
                "nothing changes: brightness is no illness",
                "Nobody has told the network so. An opacity is brightness in a place where there "
                "should be little.",
            ),
            Option(
                "its answers tip to one side: one kind of error becomes rarer, the other more "
                "frequent",
                "All probabilities move together; the threshold does not move with them.",
            ),
            Option(
                "it guesses: the AUC falls to about one half",
                "The order of people suffers less than the probabilities: all images have changed "
                "in the same way.",
            ),
        ],
    )
)
def _brighter(readings: dict[int, Reading], at: float) -> Answer:
    values = measured({severity: readings[severity] for severity in (0, 3)}, at)
    moved = max(abs(np.diff(values[name])[0]) for name in ("sensitivity", "specificity")) > 0.1
    guesses = values["AUC"][1] < 0.55
    tips = "fewer" if np.diff(values["sensitivity"])[0] < 0 else "more"
    return Answer(
        letter(moved, guesses),
        "At severity 3 the sensitivity goes from {:.2f} to {:.2f} and the specificity from {:.2f} "
        "to {:.2f}; the AUC goes from {:.2f} to {:.2f}. "
        f"It now calls {tips} people ill than before. "
        "Which way a network tips, nobody can tell before: it has never seen such images. An "
        "alarm in use would be a mean probability that drifts away from where it was on validation "
        "images. Try the other kinds: which of them harms the AUC most?".format(
            *values["sensitivity"], *values["specificity"], *values["AUC"]
        ),
    )


@question(
    Estimate(
        "06-referred",
        "The half of the test images about which the network is least sure goes to an expert. What "
        "percentage of the *other* half does the network get right?",
        least=50,
        most=100,
        within=5,
        unit="per cent",
        too_low="The images near the threshold are where most of its errors are; those are gone.",
        too_high="A threshold that finds nearly all of the ill lies low: many healthy images lie "
        "beyond it, some of them far.",
        close="You saw that being sure helps, and that it is no guarantee.",
    )
)
def _referred(reading: Reading, at: float) -> Answer:
    everybody, half = accuracy_when_sure(
        reading.labels, reading.probabilities, np.array([1.0, 0.5]), at
    )
    return Answer(
        100 * float(half),
        f"Of all images it gets {everybody:.0%} right. Referring what is unsure is called "
        "**selective prediction**: the network takes over what is easy, and a person sees the "
        "rest. How sure it is, is told by how far its odds are from those of the threshold. Who "
        "decides how many can be referred is the clinic, not the network.",
    )


@question(
    Choice(
        "06-decision",
        "Somebody takes one missed illness to be as bad as nineteen false alarms, and so acts from "
        "a probability of 0.05 on. Half of the people here are ill. What is the network worth to "
        "them, against alarming everybody without looking?",
        [
            Option(
                "hardly anything",
                "Whoever weighs false alarms so lightly may as well alarm everybody where every "
                "second person is ill.",
            ),
            Option(
                "a great deal: it finds out who is healthy",
                "It does, but to them a false alarm hardly counts.",
            ),
            Option(
                "less than nothing: it misses some of the ill",
                "It would have to miss more than one for every nineteen whom it spares.",
            ),
        ],
    )
)
def _decision(reading: Reading) -> Answer:
    given = (reading.labels, reading.probabilities)
    everybody = (reading.labels, np.ones(len(reading.labels)))
    at_low, at_half = (
        net_benefit(*given, each) - net_benefit(*everybody, each) for each in (0.05, 0.5)
    )
    return Answer(
        letter(at_low > 0.02, at_low < -0.02),
        f"At 0.05 the network's net benefit differs from that of alarming everybody by "
        f"{100 * at_low:+.1f} in a hundred people; at 0.5 by {100 * at_half:+.1f}. A network is of "
        "use where its curve is above both others, and it is the reader's weighing of the errors "
        "that says where to look.",
    )
