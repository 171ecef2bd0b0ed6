"""Questions of lesson 02."""

import numpy as np

from simmim_lib import losses
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
from simmim_lib.lessons.loss_formula import panels, readings, study_results
from simmim_lib.studies import stored


@question(
    Choice(
        "02-fresh",
        "Ten classes, a network with random weights. About what is $p$ for a typical image?",
        [
            Option(
                "about one tenth",
                "A network that knows nothing has no reason to favour one of ten classes.",
            ),
            Option(
                "about one half",
                "One half is what knows nothing about two classes; here ten share the whole.",
            ),
            Option(
                "anything from 0 to 1",
                "Random weights are small, so the ten logits lie close together, and so do the "
                "probabilities.",
            ),
        ],
    )
)
def _fresh(probability: np.ndarray) -> Answer:
    near_half = abs(np.mean(probability) - 0.5) < 0.2
    return Answer(
        letter(near_half, np.std(probability) > 0.2),
        "A fresh network hardly favours any class. Keep in mind where every image starts: it will "
        "decide what the formula does.",
    )


@question(
    Choice(
        "02-from-one-tenth",
        r"Gradient descent moves $p$ to where the loss falls. Start at one tenth and minimise "
        r"$-p\log p$, reading (a). Where does $p$ go?",
        [
            Option(
                "to 1, as the article claims",
                "The loss is 0 at $p = 1$, true; but between one tenth and 1 there is a hill.",
            ),
            Option(
                "it stays where it is",
                "It would stay only where the slope is zero: at the top of the curve.",
            ),
            Option(
                "to 0",
                "The loss is 0 at $p = 0$, too, and from one tenth the way there leads downhill.",
            ),
        ],
    )
)
def _from_one_tenth() -> Answer:
    curves = readings.curves()
    at = int(np.abs(curves.probabilities - 0.1).argmin())
    end = curves.descents["written"][-1, at]
    return Answer("a" if end > 0.9 else letter(end > 0.02, end <= 0.02), _FROM_ONE_TENTH)


_FROM_ONE_TENTH = r"""
The curve $-p\log p$ is a hill with **two** feet: the loss is 0 at $p = 1$, and also at $p = 0$. Its
top is at $1/e$, a little above one third. A ball to the left of the top rolls down to the left, and
with ten classes every image starts on the left. That is the trap.

Move the slider across 1/e and watch the arrow of (a) turn round. The other readings push $p$

- (b) up, the harder the smaller it is,
- (c) up where it is the largest of the ten, and down where it is not. In the panel the other nine
  classes share the rest evenly, so at one tenth all ten look the same, and nothing moves,
- (d) up, everywhere with slope $-1$. Its curve is drawn as $1-p$, which has the same slope. Hence
  its name: the mean of $p$ is the accuracy to expect of a network that draws each answer at random,
  with its own probabilities.
"""


PUSHED = (0.01, 0.1, 0.9)
"""Probabilities of the label in the question for the push on its logit."""


@question(
    Ordering(
        "02-push",
        "Training cannot move $p$ itself: it moves the label's *logit*, and the softmax turns that "
        "into $p$. How hard does the formula as written push the logit of an image with one of "
        "these $p$, up or down? The hardest push first.",
        [
            Option(
                "$p = 0.01$",
                "The slope over $p$ is steep there, but the softmax is nearly flat: so close to 0, "
                "the logit hardly moves $p$, and little of the slope is left.",
            ),
            Option(
                "$p = 0.1$",
                "Where a fresh network begins, both the slope and the softmax are steep.",
            ),
            Option(
                "$p = 0.9$",
                "The slope over $p$ is moderate there, and the softmax begins to flatten.",
            ),
        ],
    )
)
def _push() -> Answer:
    logits = readings.spread_evenly(np.array(PUSHED), classes=10)
    labels = np.zeros(len(PUSHED), np.int32)
    pushes = np.abs(readings.value_and_gradient("written", labels, logits)[1][:, 0])
    return Answer("".join(LETTERS[place] for place in np.argsort(-pushes)), _PUSH)


_PUSH = r"""
By hand, with the product rule, $u = p$ and $v = \log p$:

$$\frac{d}{dp}\left(-p\log p\right) = -\left(1\cdot\log p + p\cdot\frac1p\right) = -(1+\log p)$$

It is zero where $\log p = -1$, so at $p = 1/e$. In the table the two other ways agree with it to
four digits. A softmax moves $p$ by $p(1-p)$ for each unit of its logit, so the push on the logit is

$$-(1+\log p)\;p\,(1-p).$$

Descent lowers the logit where this is positive. So (a) pushes hardest where a fresh network begins,
and in the wrong direction; only close to $p = 0$ does it let go, when the harm is done.

**Focal loss** is the mirror image. Both multiply the surprise $-\log p$ by a weight: (a) by $p$,
focal loss by $(1-p)^2$. It lets go where $p$ is near 1, of what is right already
([Lin et al., 2017](https://arxiv.org/abs/1708.02002)).
"""


@question(
    Choice(
        "02-large-logits",
        "Three classes with the logits 1000, 0 and 0; the label is the first, so $p$ is 1 and the "
        r"cross-entropy 0. What does `-np.log(np.exp(z) / np.exp(z).sum())` give for it?",
        [
            Option(
                "`nan`",
                r"$e^{1000}$ is too large for a computer's numbers and becomes infinite; infinity "
                "divided by infinity is not a number.",
            ),
            Option(
                "0, as it should",
                "On paper numerator and denominator cancel. The computer works them out one by "
                "one before it divides.",
            ),
            Option(
                "`inf`",
                "That is what the other two classes get, whose probability becomes 0.",
            ),
        ],
    )
)
def _large_logits() -> Answer:
    logits = np.array([1000.0, 0.0, 0.0])
    with np.errstate(all="ignore"):
        found = (-np.log(np.exp(logits) / np.exp(logits).sum()))[0]
    return Answer(
        letter(found == 0, found == np.inf),
        "One such image in a batch turns the loss into `nan`, then the gradient, then all weights. "
        "That is why Keras's losses take logits (`from_logits=True`) and work with logarithms "
        "throughout. You write such a loss in exercise 2.",
    )


@question(
    Choice(
        "02-nearest-corner",
        "Minimise reading (c), the entropy of the prediction, from the start in the middle of the "
        f"panel: {panels.CLASS_NAMES[0]} is true, but {panels.CLASS_NAMES[1]} looks more likely. "
        "Where does the prediction go?",
        [
            Option(
                "to the true class",
                "How should it know? Look for the label in the formula of (c).",
            ),
            Option(
                "to the class that looks most likely",
                "The entropy falls whenever the largest probability grows, whoever has it.",
            ),
            Option(
                "to the middle",
                "That is where entropy is largest: an even guess.",
            ),
        ],
    )
)
def _nearest_corner() -> Answer:
    start = panels.START_ON_THE_TRIANGLE
    end = readings.descend("entropy", np.array([0]), np.log(start)[None])[-1, 0]
    return Answer(
        "c" if end.max() < 0.5 else letter(end.argmax() == start.argmax()),
        "Entropy knows no label. It makes the network surer of what it already thinks, which is "
        "why (c) is known as **entropy minimisation**. Now choose *(a) as written*: a ridge runs "
        "parallel to one side, at 1/e. Below it the true class is driven out, and it does not "
        "matter which of the others gains. Under (b) and (d) all arrows lead to the true corner; "
        "compare how long they are near a *wrong* corner. Under (d) they nearly vanish there: with "
        r"$p \approx 0$ a softmax hardly moves, so (d) gives up on what looks hopeless. Remember "
        "that when we come to noisy labels.",
    )


@question(
    Estimate(
        "02-mean",
        "Fresh weights, the formula as written. Every image starts below 1/e, where descent lowers "
        "$p$ of the true class. What is the **mean** of $p$ after 200 steps?",
        least=0,
        most=1,
        within=0.05,
        too_low="Each image on its own would go to 0. But in a network the ten probabilities of an "
        "image must still sum to 1: what one class loses, another wins, and sometimes the winner "
        "is the true one.",
        too_high="Where $p$ falls for nine images in ten, its mean has no way to rise.",
        close="You counted the images for which the class that wins happens to be the true one.",
    )
)
def _mean() -> Answer:
    return Answer(
        float(study_results.from_fresh().values("mean")[0].mean()),
        "It stays where it was, at chance, which surprises most people. Nine images in ten do end "
        "at $p = 0$: the median is zero in every seed. But one class wins, the network predicts it "
        "for *every* image, and for the images that happen to show it $p$ is 1. The right-hand "
        "picture shows both ends: nothing is left in between. **A mean can hide a catastrophe; "
        "look at the spread, too.**\n\n"
        "Cross-entropy learns. Expected accuracy learns too, but less reliably: in some seeds it "
        r"never learns one or two of the classes, because at $p\approx 0$ a softmax hardly moves. "
        "Entropy, which knows no label, picks one class for all images.",
    )


@question(
    Choice(
        "02-trained-start",
        "Begin with a network that knows the task: 400 steps of cross-entropy, after which nearly "
        "all images are *above* 1/e. Will it work to continue with the formula as written?",
        [
            Option(
                "it depends on the optimizer",
                "The slope is only half of a step; the optimizer decides how long the step is, and "
                "for which weight.",
            ),
            Option(
                "yes: above 1/e the slope has the right sign",
                "For those images it has. A few are still below, and all of them share the "
                "weights.",
            ),
            Option(
                "no: it falls apart",
                "The many images above 1/e pull the right way; it takes something that makes the "
                "few as strong as the many.",
            ),
        ],
    )
)
def _trained_start() -> Answer:
    changes = [
        study_results.change_as_written("cross-entropy", optimizer) for optimizer in ("adam", "sgd")
    ]
    falls_apart = [change < -0.1 for change in changes]
    return Answer(
        "a" if any(falls_apart) and not all(falls_apart) else letter(True, all(falls_apart)),
        _TRAINED_START,
    )


_TRAINED_START = """
That is our own finding, not the article's. Starting from the trained network, **plain gradient
descent** (`sgd`) keeps what was learned: the few images below 1/e pull the wrong way, the many
above it pull the right way, and the many win. **Adam** divides each gradient by its usual size.
Where nearly everything is right the useful gradients are tiny; Adam blows them up until a step is
as large as ever, some images slip below 1/e, and from there the formula drives them out. The
network pre-trained on *other* digits starts with half of the images above 1/e, and there the
formula fails with either optimizer. (Each optimizer had one learning rate, so that the size of its
steps may be a part of the difference.) So "above 1/e is safe" holds for a single free probability,
but for a network only with great care. Choose these starts in the panel of section 6 and watch.
"""


@question(
    Choice(
        "02-unsure",
        "Are the network's wrong guesses the ones with high entropy?",
        [
            Option(
                "yes, exactly those",
                "That network would always know when it is wrong, and could stop guessing there.",
            ),
            Option(
                "entropy has nothing to do with it",
                "Images that look like two digits are both hard and unsure, so the two go "
                "together.",
            ),
            Option(
                "mostly, but some wrong guesses are quite sure",
                "Entropy is what the network thinks of its guess, and it can be wrong about "
                "that, too.",
            ),
        ],
    )
)
def _unsure(labels: np.ndarray, logits: np.ndarray) -> Answer:
    entropy = losses.prediction_entropy(logits).numpy()
    wrong = logits.argmax(axis=1) != labels
    if entropy[wrong].min() > entropy[~wrong].max():
        right = "a"
    else:
        right = letter(True, entropy[wrong].mean() > entropy[~wrong].mean())
    return Answer(
        right,
        "Wrong guesses have more entropy than right ones on average, and the two heaps overlap. "
        "How far a network's own doubt can be trusted is a matter of *calibration*, of which "
        "lesson 05 has more.",
    )


@question(
    Choice(
        "02-perfect",
        "With the smoothed truth, a perfect network predicts exactly $q$ for each image. How large "
        "is its cross-entropy?",
        [
            Option(
                "0: there is nothing left to learn",
                "Nothing is left to learn, but not all of the loss came from what was to be "
                "learned.",
            ),
            Option(
                "as large as the entropy of the truth",
                "The surprise that comes from the truth's own uncertainty stays, whatever the "
                "network does.",
            ),
            Option(
                r"$\log 10$, as large as that of an even guess",
                "An even guess is as surprised as one can be without being misled; a perfect "
                "network still knows nine tenths of the answer.",
            ),
        ],
    )
)
def _perfect() -> Answer:
    unavoidable = study_results.entropy_of_smoothed_labels(classes=10)
    truth = np.full((1, 10), study_results.SMOOTHING / 10)
    truth[0, 0] += 1 - study_results.SMOOTHING
    smallest = float(
        losses.cross_entropy(
            np.array([0]), np.log(truth), label_smoothing=study_results.SMOOTHING
        ).numpy()[0]
    )
    return Answer(
        letter(abs(smallest - unavoidable) < 1e-3, abs(smallest - np.log(10)) < 1e-3),
        "Cross-entropy is the truth's own entropy plus the **Kullback–Leibler divergence**, what "
        r"the model adds by being wrong: $H(q, p) = H(q) + D(q \,\|\, p)$. Training can remove "
        "only the second part. So a loss above 0 does not say that a network is bad: compare it "
        "with the smallest that is possible.\n\n"
        "In the panel set a prediction of your own. Bring it close to the truth: what is left? "
        "Then make it sure and wrong: entropy is small, cross-entropy large.",
    )


@question(
    Choice(
        "02-information",
        "Three batches of predictions: by our network; by a network that gives every image the "
        "same class, with certainty; by a fresh network. Which carry (nearly) no information?",
        [
            Option(
                "only the one that always says the same",
                "You learn nothing from an answer that you knew beforehand. Do you learn more from "
                "one that favours no class?",
            ),
            Option(
                "that one and the fresh one",
                "One has no doubt and no spread, the other spread and as much doubt.",
            ),
            Option(
                "only the fresh one",
                "It is unsure about each image. But an answer can be sure and worthless, too.",
            ),
        ],
    )
)
def _information(batches: study_results.Batches) -> Answer:
    _, same, fresh = (float(losses.mutual_information(logits)) < 0.1 for logits in batches.values())
    return Answer(
        "b" if same and fresh else letter(False, fresh),
        "For opposite reasons. The network that always says the same has no doubt, but no spread "
        "either: you learn nothing from an answer that you knew beforehand. The fresh one spreads "
        "evenly, but it is as unsure about each image as about all of them together. **Both halves "
        "are needed.** Minimise only the doubt (reading (c)), and one class for all is a perfect "
        "answer: you saw it happen with the real network.",
    )


@question(
    Choice(
        "02-noisy-labels",
        "Three labels in five are wrong. Which loss ends up higher, on correctly labelled images?",
        [
            Option(
                "cross-entropy",
                "It is ahead as long as it has not learned the wrong labels by heart.",
            ),
            Option(
                "expected accuracy",
                "It does not listen to what looks hopeless: wrong labels, but slow classes as "
                "well.",
            ),
            Option(
                "it depends on when you stop",
                "First a network learns what many images agree on, and only later what "
                "contradicts it.",
            ),
        ],
    )
)
def _noisy_labels() -> Answer:
    study = stored.load("noisy-labels")
    found = {
        difference(expected, cross_entropy).verdict
        for cross_entropy, expected in (
            study.values(key, flipped=0.6) for key in ("stopped", "test")
        )
    }
    return Answer("c" if found == {"gain", "loss"} else letter("gain" in found), _NOISY_LABELS)


_NOISY_LABELS = """
If training goes on, cross-entropy memorises the wrong labels and its test accuracy falls; expected
accuracy does not suffer from this, and where three labels in five are wrong it ends up clearly
higher. But *stopped at its best step* (**early stopping**), cross-entropy is ahead for every share
of wrong labels, and without wrong labels it is ahead anyway: in some seeds expected accuracy never
learns one or two of the classes. So the tolerance is real, but it is paid for with a slow and
uncertain start. Correctly labelled validation images (here 500, half as many as there are to train
on), to know when to stop, are worth more here.
"""
