"""Questions of lesson 01."""

from typing import TYPE_CHECKING

import numpy as np

from simmim_lib.exercises.questions import Answer, Choice, Estimate, Option, letter, question
from simmim_lib.foundation.intervals import difference
from simmim_lib.lessons.transfer_learning import study_results

if TYPE_CHECKING:
    import keras


@question(
    Choice(
        "01-first-pass",
        "The network was trained on the glyphs for three passes (*epochs*) over the training "
        "images. There are 47 classes, and the characters are badly distorted. How many new glyphs "
        "does it name correctly after the *first* pass?",
        [
            Option(
                "at least one in five",
                "A pass over thousands of images is hundreds of small steps, each in a direction "
                "that helps: that is a lot for a network that starts from nothing.",
            ),
            Option(
                "about one in 47, no better than guessing",
                "That is where the fresh network starts. One pass does not mean one step: the "
                "weights move after every batch.",
            ),
            Option(
                "nearly all",
                "The images are distorted so that this is hard; the further passes would have "
                "nothing left to add.",
            ),
        ],
    )
)
def _first_pass(accuracy: float) -> Answer:
    return Answer(
        "c" if accuracy > 0.9 else letter(accuracy < 0.2),
        "One pass is enough to leave guessing far behind, and each further pass adds less. This "
        "step is called **pre-training**. Here we only watched it: for everything below, the "
        "workbook keeps networks that were trained for longer by one fixed recipe, so that you do "
        "not have to wait for them.",
    )


@question(
    Estimate(
        "01-frozen-share",
        "The network has five layers with weights; the first two, both convolutions, are frozen. "
        "What percentage of its weights is still trained?",
        least=0,
        most=100,
        within=7,
        unit="per cent",
        too_low="Two layers of five are frozen, but layers are not equally large.",
        too_high="The two convolutions are small, but they do have weights.",
        close="You saw that layers differ in size: the frozen ones are small.",
    )
)
def _frozen_share(model: "keras.Model") -> Answer:
    trained = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    return Answer(
        100 * trained / model.count_params(),
        "A convolution uses the same few weights all over the picture; most weights sit in the "
        "dense layer. Freezing the first layers saves few weights. It saves *work*, because those "
        "layers see the largest pictures, and because a frozen layer gives the same output at "
        "every step: we compute its outputs once and train on them.",
    )


@question(
    Choice(
        "01-depth",
        "All four layers of the trunk are copied from the glyphs, and there are ten labels per "
        "class. How many frozen layers will turn out *worst* on digits?",
        [
            Option(
                "none: a hundred labels are too few to train everything",
                "A good starting point protects the network, even if everything may move: a "
                "hundred labels do not lead it far away.",
            ),
            Option(
                "all four: only the head is trained",
                "The last layers of the trunk were made for telling glyphs apart. Frozen, they "
                "cannot be made to serve digits.",
            ),
            Option(
                "somewhere in between",
                "Layers that were trained together may miss each other when only some of them "
                "move. Look for a dip in the middle of the curve.",
            ),
        ],
    )
)
def _depth() -> Answer:
    means = [
        values.mean() for values in study_results.negative_transfer()[0]["from glyphs"].values()
    ]
    worst = int(np.argmin(means))
    return Answer(
        "a" if worst == 0 else "b" if worst == len(means) - 1 else "c",
        "That is what ten seeds say (section 9 has their picture): with all four layers frozen the "
        "accuracy is lowest. (A head alone also learns more slowly than the rest: in longer "
        "trainings it comes closer.) In the panel, grey points are single seeds and the bars are "
        "95 % intervals; with three seeds they are so long that they all overlap. That glyphs help "
        "is told by differences seed by seed (section 3); which depth is best needs more seeds. "
        "Try the settings yourself:\n\n"
        "- *Seeds* 10: how much shorter do the bars become?\n"
        "- *Source* fashion: what happens on the right of the curve?\n"
        "- *Labels per class* 1, then 50: where does the dashed line go?\n\n"
        "(*Recipe* is for later: the other one is what lesson 05 is about.)",
    )


@question(
    Choice(
        "01-three-shapes",
        "Which of the three will our small network show on handwritten digits, with 300 labels per "
        "class?",
        [
            Option(
                "all three",
                "The dip needs layers that depend on each other in ways that fresh ones cannot "
                "learn to fit again; a network of five layers is easy to train.",
            ),
            Option(
                "none: with so many labels the source does not matter",
                "Many labels make up for a missing source. They cannot make up for a frozen layer "
                "that throws away what the target needs.",
            ),
            Option(
                "the decline, and fine-tuned copies above scratch",
                "Frozen layers that are specific to another task hurt; the same layers, free to "
                "move, are only a better place to start.",
            ),
        ],
    )
)
def _three_shapes() -> Answer:
    curves, scratch = study_results.copied_layers()
    against = {
        name: [difference(each, scratch).verdict for each in values.values()]
        for name, values in curves.items()
    }
    dip = "loss" in against["same task (MNIST), frozen"]
    decline = "loss" in against["Fashion, frozen"]
    return Answer(
        "a" if dip and decline else letter(not decline, decline),
        _THREE_SHAPES,
    )


_THREE_SHAPES = """
The grey band is the interval of the from-scratch mean; one point lies far below the edge of the
picture. The table has the mean over the seeds of the difference from scratch, with its 95 %
interval; the verdict is "gain" or "loss" only if the interval lies on one side of zero.

- The **dip does not appear**. Same-task copies are never worse than scratch. Our network has five
  layers, not eight, and is easy to train: fresh layers learn to fit the copied ones. (At four
  layers the copies even gain. Do not be impressed: that trunk was trained on *all* MNIST training
  labels, so it carries knowledge of labels that the network from scratch never saw.)
- The **decline appears**, late, and it depends on the source. The first two layers serve every
  task: an edge is an edge, in a letter or in a shirt. From the third layer on the sources part
  ways: features learned on glyphs still help there, features learned on clothes hurt. A frozen
  dense layer hurts from either source: a little from glyphs, and from clothes more than anything
  else on this page.
- **Fine-tuned copies lie above scratch**, clearly from two layers on, and more layers do not hurt.
  Copied weights are a good place to *start*, even where they are a bad place to *stay*.

What these intervals do not tell you: every seed uses the same pre-trained source and the same test
images. So they cover the luck of labels and initial weights, not the choice of another source
network. And even where nothing differs, one such interval in twenty excludes zero by pure chance:
do not build on one that barely does. The number of steps was set by running time and the learning
rate on validation images; neither was chosen by these test accuracies.
"""


@question(
    Choice(
        "01-probe-or-fine-tune",
        "Ten labels per class, glyphs as the source, the same number of steps for each method. "
        "Which is best on the target's test images?",
        [
            Option(
                "probe, then fine-tune",
                "When the trunk begins to move, the head already knows where to. It costs nothing: "
                "the number of steps is the same.",
            ),
            Option(
                "the probe: a hundred labels are too few to train everything",
                "Few labels can move a good trunk a little in the right direction; a probe gives "
                "that up.",
            ),
            Option(
                "fine-tuning",
                "Its first steps are led by a head that knows nothing yet, and they go through "
                "the whole trunk.",
            ),
        ],
    )
)
def _probe_or_fine_tune() -> Answer:
    best = {
        max(study_results.WAYS, key=lambda way: values[way].mean())
        for values in study_results.adaptations().values()
    }
    (way,) = best  # else the study has no one answer
    return Answer(
        {"probe-then-fine-tune": "a", "probe": "b", "fine-tune": "c"}[way],
        "On both targets the interval of its difference from plain fine-tuning lies above zero. "
        "Whether a point or two matters is for you to judge. These seeds do not decide between the "
        "probe and fine-tuning, and on the second target the probe is not even clearly better than "
        "scratch: the features alone are not enough there.\n\n"
        "Kumar et al. report the larger benefit on **out-of-distribution** images, which are "
        "*unlike* the target's training images: there fine-tuning alone can end up below the "
        "probe. We did not measure that here.",
    )


@question(
    Choice(
        "01-gentler",
        "The same labels, seeds and number of steps as above. Which of the two beats plain "
        "fine-tuning on both targets?",
        [
            Option(
                "each of them: good features are worth protecting",
                "Protecting features is right, but small steps in a wrong direction are still "
                "wrong: the head is fresh all the same.",
            ),
            Option(
                "neither by itself, but both together",
                "Gradual unfreezing lets the head learn first; small steps then keep what it "
                "learned to rely on.",
            ),
            Option(
                "none, on a network as small as this",
                "Small networks have fewer features to lose, but a hundred labels can still "
                "distort those that they have.",
            ),
        ],
    )
)
def _gentler() -> Answer:
    groups = study_results.adaptations().values()

    def gains(way: str) -> bool:
        return all(difference(of[way], of["fine-tune"]).verdict == "gain" for of in groups)

    single = gains("small steps") and gains("gradual")
    return Answer(
        "a" if single else "b" if gains("gradual, small steps") else "c",
        "Small steps alone gain nothing, on MNIST they even lose: the head is fresh all the same, "
        "and the trunk is led by its first, random errors, only more slowly. (Larger and smaller "
        "fractions gain nothing either; they are in the stored study.) Gradual unfreezing alone "
        "gains nothing either, and on UCI digits it loses: each newly unfrozen layer starts with "
        "full steps, and there are few of them. Together they gain: when the trunk begins to move, "
        "the head already knows where to, and it moves a little. On both targets they are ahead of "
        "plain fine-tuning, and of *probe, then fine-tune* as well; on MNIST they are best of all, "
        "on UCI digits not clearly ahead of *probe, then small steps*.\n\n"
        "The recipe for a handful of labels and a good source is therefore "
        '`adaptation="gradual-unfreezing"` with `trunk_learning_rate=0.1`. What we have shown is '
        "one source, two targets and ten labels per class, with as many steps for each way; with "
        "other sources it has to be measured again.",
    )


@question(
    Choice(
        "01-how-many-labels",
        "From glyphs to MNIST: at which number of labels per class does transfer still gain "
        "clearly over training from scratch?",
        [
            Option(
                "only where labels are few: up to about ten",
                "The gain shrinks as the target's own labels teach the same things, but shrinking "
                "is not vanishing.",
            ),
            Option(
                "only with many: there must be enough to adapt to",
                "Copied layers need no adapting to be useful: the fewer labels, the more it "
                "matters where training starts.",
            ),
            Option(
                "at every number from one to fifty",
                "What the source knows about strokes helps with one label, and it is not used up "
                "by fifty.",
            ),
        ],
    )
)
def _how_many_labels() -> Answer:
    transfer, scratch = study_results.few_labels().values()
    gains = [
        difference(transfer[count], scratch[count]).verdict == "gain"
        for count in study_results.COUNTS
    ]
    return Answer(
        "c" if all(gains) else letter(not gains[0]),
        "Transfer gains at *every* number of labels. From ten labels on the gain shrinks "
        "steadily: what the source knows about strokes, the target's own labels can now teach just "
        "as well. With one or two labels per class the intervals are wide, because everything "
        "depends on which pictures happen to be labelled; the mean gain is highest at two, but "
        "these seeds cannot tell it from that at five.\n\n"
        "Read the figure sideways, too: the upper curve reaches the same height with about half "
        "the labels. If you have to pay for labels, that is the better way to put it.",
    )


@question(
    Choice(
        "01-negative-transfer",
        "Clothes as the source, digits as the target, ten labels per class, all four layers of "
        "the trunk frozen. What do ten seeds say, compared with no transfer at all?",
        [
            Option(
                "no clear difference",
                "Fine-tuning is free to leave a bad starting point; a head on frozen layers is "
                "not.",
            ),
            Option(
                "it helps, just less than glyphs do",
                "A network that has seen many pictures has not learned to see in general: it has "
                "learned what its own task needs.",
            ),
            Option(
                "it hurts clearly",
                "Frozen, the features have to serve as they are, and they were made for clothes.",
            ),
        ],
    )
)
def _negative_transfer() -> Answer:
    curves, scratch = study_results.negative_transfer()
    frozen, free = (difference(curves["from Fashion"][depth], scratch) for depth in (4, 0))
    return Answer(
        letter(frozen.verdict == "gain", frozen.verdict == "loss"),
        f"With all four layers frozen it is {frozen}: **negative transfer**, and a disaster. With "
        f"nothing frozen it is {free}. Features that tell a shirt from a coat by its sleeves and "
        "its texture do not tell a 3 from an 8.\n\n"
        "Two takeaways. Glyphs, which nobody wrote by hand, help; photographs of real things do "
        "not: what counts is what source and target have in *common*. And fine-tuning limits the "
        "damage, because it is free to leave a bad starting point.",
    )


@question(
    Choice(
        "01-scores",
        "Three targets, three sources for each, 20 labels per class. How often does a score put "
        "two sources in the right order?",
        [
            Option(
                "no better than a coin toss",
                "A score looks at the very features that training will start from: that is more "
                "than nothing.",
            ),
            Option(
                "more often than not",
                "Features that already separate the classes are a good start, though not the "
                "whole story.",
            ),
            Option(
                "always",
                "Nothing is trained, so a score cannot know what training will change.",
            ),
        ],
    )
)
def _scores() -> Answer:
    values = [tau for of in study_results.rank_correlations().values() for tau in of.values()]
    mean = float(np.mean(values))
    return Answer(letter(mean > 0.1, min(values) == 1), _SCORES)


_SCORES = r"""
With a perfect score, the points in each small plot would rise from left to right. Kendall's rank
correlation $\tau$ counts that: the share of pairs of sources in the right order minus the share in
the wrong order. +1 is always right, 0 a coin toss, -1 always wrong.

For the digits of MNIST every score finds the right order. Where the scores go wrong, they swap
glyphs with another source, and each time it is a pair whose accuracies these ten seeds cannot tell
apart either. Before you trust them, four warnings:

- This is a **small sample**: nine pairs of sources, three for each target. Swapping a single pair
  changes that target's $\tau$ by two thirds.
- A score **ranks sources; it does not promise a gain**. From UCI digits to Fashion, transfer was a
  loss, and no score says so: none of them knows what training from scratch would reach.
- Scores of **different targets cannot be compared**: an easy target gets a high score from any
  source.
- The **H-score saturates** when images are few. It can be at most 9 for ten classes, and with 200
  images in 128 dimensions even the worst source comes near that: with so many dimensions, almost
  any labelling can be separated.

So use a score to drop hopeless sources early. Then measure the others.
"""
