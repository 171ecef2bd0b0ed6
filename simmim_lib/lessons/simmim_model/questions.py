"""Questions of lesson 03."""

from collections.abc import Mapping, Sequence

import numpy as np

from simmim_lib.exercises.questions import (
    LETTERS,
    Answer,
    Choice,
    Estimate,
    Option,
    Ordering,
    letter,
    question,
)
from simmim_lib.foundation.intervals import difference
from simmim_lib.lessons.simmim_model import optimizers, study_results

# --- The article's network


@question(
    Estimate(
        "03-convolution-share",
        "What percentage of the parameters of the article's network sits in its convolution?",
        least=0.001,
        most=100,
        within=5,
        unit="per cent",
        logarithmic=True,
        too_low="A convolution has few parameters, but each of its 32 filters has nine weights "
        "and a bias.",
        too_high="The convolution does the seeing, but it uses the same few weights at every place "
        "of the picture.",
        close="You compared one small window, used everywhere, with a weight for every pair of "
        "numbers.",
    )
)
def _convolution_share(layers: Mapping[str, int]) -> Answer:
    return Answer(
        100 * layers["convolution"] / sum(layers.values()),
        "And there is **one** convolution; the text says two. A picture of 28 by 28 pixels has 26 "
        "by 26 places for a window of 3 by 3, so the convolution gives 26 · 26 · 32 numbers, and "
        "each of them is connected to each of the 64 units. Flattening a large feature map into a "
        "dense layer is what makes a network heavy. The workbook's network, which you know from "
        "lesson 01, halves the picture three times before it flattens: it has two more "
        "convolutions, and far fewer parameters. (In the article's bar the convolution and the "
        "head are no wider than the outline.)",
    )


@question(
    Choice(
        "03-articles-loop",
        "The learning rate is the article's, `0.01`; the loop goes five times over a hundred "
        "labelled digits. How many test digits does the network read correctly afterwards?",
        [
            Option(
                "about one in ten, no better than guessing",
                "Fifty small steps are not many, but each of them helps.",
            ),
            Option(
                "nearly all",
                "A hundred digits show only some of the ways to write a 7, and fifty small steps "
                "do not even learn these by heart.",
            ),
            Option(
                "around half",
                "Fifty small steps are enough to leave guessing behind, and too few to get far.",
            ),
        ],
    )
)
def _articles_loop(accuracies: Sequence[float]) -> Answer:
    mean = float(np.mean(accuracies))
    return Answer(
        letter(mean > 0.85, 0.2 <= mean <= 0.85),
        "Now compare the code with what the article says about its method:\n\n"
        "- The loop minimises the **cross-entropy**, reading (b) of lesson 02, and not the formula "
        "that the article prints. Luckily.\n"
        "- The class is called `SimMIM`, but it has **one** head. Nothing is copied, nothing is "
        "frozen, and there is only one task. So the article's program contains nothing of the "
        "article's method.\n"
        "- Each step is driven from Python, batch by batch. The workbook compiles all steps into "
        "one loop. For the same updates of the workbook's network, the article's loop took "
        f"{study_results.loop_speed():.0f} times as long in a stored comparison.",
    )


# --- One trunk, several heads

NETWORKS = (study_results.OWN, study_results.ARTICLE, study_results.SHARED, study_results.SEPARATE)
"""What is put in order by parameters, as it is asked."""


@question(
    Ordering(
        "03-fewest-parameters",
        "The workbook's network for two tasks can be built in three ways. Put these three and the "
        "article's network in order, from the fewest parameters to the most.",
        [
            Option(
                study_results.OWN,
                "A second head costs 128 weights and a bias for each of its ten classes, which is "
                "next to nothing beside the trunk.",
            ),
            Option(
                study_results.ARTICLE,
                "Remember where its parameters sit: behind the flattening, more than a million of "
                "them.",
            ),
            Option(
                study_results.SHARED,
                "It has a trunk and a single head, nothing else.",
            ),
            Option(
                study_results.SEPARATE,
                "Two networks have two trunks, the heavy part.",
            ),
        ],
    )
)
def _fewest_parameters(counts: Mapping[str, int]) -> Answer:
    order = sorted(NETWORKS, key=counts.__getitem__)
    return Answer(
        "".join(LETTERS[NETWORKS.index(name)] for name in order),
        "Nearly all parameters sit in the trunk, so one network for two tasks costs half of what "
        "two networks cost, and a further head costs little. **Sharing the head** is possible "
        "because the labels of these two tasks mean the same thing: a 3 is a 3. "
        "`shared_heads=True` gives tasks with the same class names one head, and it learns from "
        "the labels of both.",
    )


@question(
    Estimate(
        "03-joint-loss",
        "The network is fresh: it knows nothing yet, and there are ten classes. MNIST counts "
        "fully, UCI half. What is the joint loss, in nats?",
        least=0,
        most=10,
        within=0.4,
        unit="nats",
        too_low="A network that finds all ten digits equally likely gives the right one a "
        "probability of one tenth, whose cross-entropy is log 10; and there are one and a half "
        "tasks.",
        too_high="Guessing ten classes evenly costs log 10 a task, a little more than two nats. "
        "UCI counts only half.",
        close="You took log 10 for each task, once and a half.",
    )
)
def _joint_loss(losses: Mapping[str, float], weights: Mapping[str, float]) -> Answer:
    return Answer(
        float(sum(weights[name] * loss for name, loss in losses.items())),
        "Who knows nothing about ten classes has a cross-entropy of $\\log 10$, a little more than "
        "two nats. A fresh network of ours is close to that on both tasks.",
    )


# --- Four steps


@question(
    Choice(
        "03-what-is-trained",
        "In the model that is left to train, which weights come from the source?",
        [
            Option(
                "those of the trunk, but not those of the heads",
                "The source's head names glyphs, so the tasks need heads of their own.",
            ),
            Option(
                "all of them",
                "The source has 47 classes and each task has ten: its head fits neither of them.",
            ),
            Option(
                "none: all copied weights are frozen",
                "All four layers were copied, and only the first two of them are frozen.",
            ),
        ],
    )
)
def _what_is_trained(copied: Mapping[str, bool]) -> Answer:
    return Answer(
        letter(all(copied.values()), not any(copied.values())),
        "The first number of each shape is the number of seeds. The two frozen layers are missing "
        "here; two copied layers continue to be trained, and the heads start fresh, with their "
        "biases at zero.",
    )


# --- Joint or separate


@question(
    Choice(
        "03-joint-accuracy",
        "Two collections of digits, five labels per class, a head for each. The joint network has "
        "half as many parameters as two separate ones. What does that do to its accuracy?",
        [
            Option(
                "it is higher by two points or more: the network sees twice as many images",
                "The trunk sees twice as many images, but each head still sees only its own, and "
                "the trunk already knows strokes from the glyphs.",
            ),
            Option(
                "it is lower by two points or more: the tasks get in each other's way",
                "Both tasks ask for the same kind of features, so they get in each other's way "
                "little: some comparisons below find a point.",
            ),
            Option(
                "it stays within two points",
                "The trunk came from glyphs and was good before; what the other task adds to it "
                "is too little to be seen.",
            ),
        ],
    )
)
def _joint_accuracy() -> Answer:
    gains = [study_results.gain_of(target, False, 5).mean for target in study_results.PAIR]
    return Answer(
        "a" if max(gains) >= 2 else "b" if min(gains) <= -2 else "c",
        "That is what twenty seeds say; the three of the panel cannot tell more. The markers for "
        "joint (filled) and separate (hollow) lie close together, and the bars overlap. Now "
        "try:\n\n"
        "- *Heads* shared: which target moves, and which way?\n"
        "- *Labels* of the first target 2, of the others 50, heads shared: which target helps "
        "which?\n"
        "- *Weight* of one target 0: it is still there, but nothing is learned from its labels.\n"
        "- *Targets* MNIST and Fashion: what could a shirt teach a 7?\n\n"
        "A panel with three seeds is for exploring. An answer takes a study.",
    )


@question(
    Estimate(
        "03-how-many-gains",
        "Each task has its own head. In how many of the 28 comparisons does joint training show a "
        "gain?",
        least=0,
        most=28,
        within=2,
        unit="comparisons",
        too_low="So few gains would mean that the tasks have nothing to teach each other.",
        too_high="The article expects gains, because the trunk learns from all tasks. But each "
        "head learns from its own few labels only, and the trunk already knows strokes.",
        close="You did not take more images for more labels.",
    )
)
def _how_many_gains() -> Answer:
    verdicts = [gain.difference.verdict for gain in study_results.joint_gains(False)]
    gains, losses = verdicts.count("gain"), verdicts.count("loss")
    confirmed = "not confirmed here" if not gains else "confirmed in these cases only"
    return Answer(
        gains,
        "A tinted cell is a clear gain or loss: its interval lies on one side of zero. In the "
        f"other cells no difference is clear. Clear losses: {losses}, all of them small. So the "
        f"article's claim is {confirmed}. (Of so many intervals, one or two exclude zero by "
        "chance; that does not explain so many losses.) What joint training does give you is one "
        "network in place of two or three, and nearly as good.",
    )


@question(
    Choice(
        "03-shared-head",
        "Now both collections of digits share **one head**. With how many labels per class do "
        "*both* of them gain, trained without Fashion?",
        [
            Option(
                "with two, not with fifty",
                "A shared head gets twice as many labels for the same question, and that counts "
                "most where there are very few.",
            ),
            Option(
                "with any number",
                "Twice as many labels always sounds good, but where a task has plenty of its own, "
                "those of another collection are no longer needed.",
            ),
            Option(
                "with none: it is the same network",
                "It is nearly the same network, but its head learns from the labels of both "
                "collections.",
            ),
        ],
    )
)
def _shared_head() -> Answer:
    both = [
        all(
            study_results.gain_of(target, True, labels).verdict == "gain"
            for target in study_results.PAIR
        )
        for labels in (study_results.FEW, study_results.MANY)
    ]
    return Answer(
        letter(all(both), not any(both)),
        "With two labels per class both collections gain, even when Fashion, which keeps a head of "
        "its own, is trained along with them. With five only UCI still gains, with ten only "
        "without Fashion, and with fifty neither; there MNIST loses a little. A likely reason: a "
        "separate head still learns from its own few labels only, and the trunk, which comes from "
        "glyphs, already knows strokes. A shared head gets *more labels for the same question*.",
    )


@question(
    Choice(
        "03-unequal-labels",
        "If that is the reason, it should matter how many labels the other task has. MNIST has 2 "
        "labels per class, UCI has 50, and they share a head. Compared with 2 and 2, the gain on "
        "MNIST is",
        [
            Option(
                "smaller: UCI drowns it",
                "UCI has more of the images in every batch, but for a shared head a 3 of UCI is a "
                "lesson about 3s, too.",
            ),
            Option(
                "larger",
                "Fifty labels for the same question teach the head more than two do.",
            ),
            Option(
                "about the same",
                "That would be so if only the trunk learned from UCI; the head does, too.",
            ),
        ],
    )
)
def _unequal_labels() -> Answer:
    found = study_results.more_beside("mnist")
    return Answer(
        letter(found.verdict == "gain", not found.is_clear),
        "The table compares the two seed by seed. With a shared head and a partner that has 50 "
        "labels per class, the target with two labels gains most; with five, UCI still gains and "
        "MNIST does not. The price stands on the right of the grid: the target with many labels "
        "gains nowhere, and here and there it loses a little.",
    )


@question(
    Ordering(
        "03-best-teacher",
        "MNIST has two labels per class, and UCI, where it stands beside, 50. Put four networks in "
        "order by their accuracy on MNIST, the *worst* first.",
        [
            Option(
                "from glyphs, alone",
                "A source with plenty of labels teaches the trunk to see, better than a small "
                "second task does.",
            ),
            Option(
                "from glyphs, beside UCI, with a shared head",
                "Its trunk comes from glyphs, and its head learns from UCI's labels, too.",
            ),
            Option(
                "from scratch, alone",
                "Nothing but twenty labelled pictures: it has no other teacher.",
            ),
            Option(
                "from scratch, beside UCI, each with its own head",
                "Without glyphs the other task teaches the trunk to see; the head still has its "
                "own few labels only.",
            ),
        ],
    )
)
def _best_teacher() -> Answer:
    names = dict(zip("cdab", study_results.teachers(), strict=True))
    means = {each: study_results.teachers()[name].mean() for each, name in names.items()}
    return Answer(
        "".join(sorted(means, key=means.__getitem__)),
        "*From scratch* and with separate heads, joint training **does** help: see its rows in the "
        "grid above, most of which are gains where labels are few. Without glyphs, it is the other "
        "task that teaches the trunk to see. That is transfer, too, but glyphs are the better "
        "teacher, and the shared head adds to them.\n\n"
        "So the rule from these measurements:\n\n"
        "- same classes, few labels: share the head,\n"
        "- different classes, and a good source: train jointly to save parameters, not for "
        "accuracy,\n"
        "- no good source: a related task with many labels is worth adding, even with separate "
        "heads.",
    )


# --- As a Keras model


@question(
    Estimate(
        "03-information",
        "All there is to know about a digit is $\\log 10$, a little more than two nats. How much "
        "does the network extract about an MNIST digit, at least, once it has learned from five "
        "labels per class?",
        least=-2,
        most=2.3,
        within=0.4,
        unit="nats",
        too_low="Before training, fresh heads are below zero. Copied layers and fifty labels take "
        "the network far beyond that.",
        too_high="Four digits in five are read correctly, but the measure is hard on mistakes that "
        "the network is sure of.",
        close="You allowed for mistakes, and for being too sure of them.",
    )
)
def _information(before: Mapping[str, float], after: Mapping[str, float]) -> Answer:
    fresh = (
        "The fresh heads are worse than an honest *each digit is equally likely*, so the bound is "
        "below zero and says nothing: a bound may be loose. "
        if max(before.values()) < 0
        else ""
    )
    return Answer(
        after["mnist"],
        f"{fresh}After training it says how many nats the network extracts *at least*, as far as "
        "these test images can tell. Confidence counts, too: by this measure a network that is "
        "often right, but too sure of its mistakes, extracts little.",
    )


# --- Optimizers


@question(
    Estimate(
        "03-best-rate",
        "The article's learning rate for plain gradient descent is `0.01`. The stored study tried "
        "seven rates. Which one did the validation images find best?",
        least=0.0003,
        most=0.3,
        within=2,
        logarithmic=True,
        too_low="Plain gradient descent does not rescale its gradients, and these are small: with "
        "small steps it does not arrive.",
        too_high="Large steps are what it needs, but with the largest no seed gets anywhere.",
        close="You gave plain gradient descent the large steps that it needs.",
    )
)
def _best_rate() -> Answer:
    best = optimizers.best_rate("sgd")
    return Answer(
        best,
        f"For Adam it was {optimizers.best_rate('adam'):g}. The rates that suit two optimizers may "
        "lie far apart, because Adam and RMSProp divide each gradient by its usual size and plain "
        "gradient descent does not.",
    )


@question(
    Choice(
        "03-optimizers",
        "Give each optimizer the learning rate that suits it best, and keep it constant. Is plain "
        "gradient descent (*SGD* in the picture) then behind Adam and RMSProp?",
        [
            Option(
                "yes, as the article says",
                "At the article's own rate it is behind Adam; but that rate does not suit it.",
            ),
            Option(
                "no: it is ahead of both",
                "The means are on its side, but a difference has to be larger than what the seeds "
                "make of it.",
            ),
            Option(
                "no: there is no clear difference",
                "An optimizer decides how fast one gets there; with its best rate each of them "
                "does.",
            ),
        ],
    )
)
def _optimizers() -> Answer:
    verdicts = {optimizers.verdicts()[name].verdict for name in ("adam", "rmsprop")}
    return Answer(
        letter(verdicts == {"loss"}, not {"gain", "loss"} & verdicts),
        "**At the article's learning rate the article is right** about Adam: it is ahead of plain "
        "gradient descent. So is RMSProp when the rate warms up first; at a constant `0.01` its "
        "seeds are so far apart that nothing can be said. But **with each at its own best rate, "
        "neither is better**: at a constant rate there is no clear difference, and with a warm-up "
        "plain gradient descent is ahead of both. Of the others, only momentum gains a little at a "
        "constant rate, and nothing with a warm-up.\n\n"
        "The left picture shows why the question is a trap: compare optimizers at *one* rate, and "
        "you have measured the rate. What speaks for Adam is on the far left: with a rate that is "
        "much too small it still gets there. AdamW lies on top of Adam, because in so few steps "
        "its weight decay does next to nothing.",
    )


# --- Pictures of one's own


@question(
    Choice(
        "03-signs",
        "Freeze all nine blocks, so that only a head with four outputs is trained, on ten pictures "
        "of each kind. A small network learns from scratch, from the same pictures. What comes "
        "out?",
        [
            Option(
                "the frozen features are better, by far",
                "Features that tell a thousand things apart contain what tells a square from an "
                "octagon.",
            ),
            Option(
                "the small network is better: it was made for these pictures alone",
                "It was made for them, but forty pictures are not enough to learn what an edge is.",
            ),
            Option(
                "about the same: forty pictures are too few for either",
                "They are too few to learn features, but not too few to choose among features that "
                "are there.",
            ),
        ],
    )
)
def _signs(frozen: np.ndarray, scratch: np.ndarray) -> Answer:
    verdict = difference(frozen, scratch).verdict
    return Answer(
        letter(verdict == "loss", verdict == "no clear difference"),
        "Nothing was ever trained to tell a square from an octagon in *these* pictures, and yet "
        "the features that tell a thousand things apart contain what is needed; from forty "
        "pictures alone, the small network hardly learns more than guessing, which gets a quarter "
        "right.\n\n"
        "The frozen blocks' features are computed once and kept, so that another head takes a "
        "second. Move *Frozen layers* to 8, then to 7: now the last blocks learn as well, which "
        "takes longer. Is the difference worth it? With three seeds, can you tell?",
    )


@question(
    Choice(
        "03-middle-layers",
        "Fashion-MNIST, 20 labels per class; all blocks of the large trunks are frozen, and the "
        "small network is fine-tuned from glyphs. How do the middle layers compare with the last?",
        [
            Option(
                "they are worse: the last layers know most",
                "The last layers know most about the things in photographs, and a shirt on a white "
                "ground is hardly one.",
            ),
            Option(
                "they are better: they are less specific to photographs",
                "Edges, textures and parts serve any picture; names of animals serve few.",
            ),
            Option(
                "there is no clear difference",
                "That would be so if clothes were like ImageNet's photographs, or unlike "
                "everything in it.",
            ),
        ],
    )
)
def _middle_layers() -> Answer:
    ways = study_results.photograph_features()
    verdict = difference(
        ways["efficientnet-lite0-middle, fine-tune"], ways["efficientnet-lite0, fine-tune"]
    ).verdict
    return Answer(
        letter(verdict == "gain", verdict == "no clear difference"),
        "And by more than the large network gains over the small one at all: on clothes, its last "
        "layers are hardly better than a small network that learned letters. Information from "
        'images without labels (`recipe="simmim"`, the subject of lesson 05, with steps of its '
        "own size) adds something to both large trunks; to the small one it does harm in so few "
        "steps, while in lesson 05, with four times as many, it gains. For photographs of things, "
        "start with `efficientnet-lite0`; for anything else, try the middle layers first. Both "
        "come with the workbook, so trying costs a minute.",
    )
