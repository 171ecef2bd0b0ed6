"""Questions of lesson 04."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from simmim_lib import weighting
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
from simmim_lib.lessons.task_weights import study_results
from simmim_lib.lessons.task_weights.conflict import (
    FIRST_ANGLE,
    FIRST_LENGTH,
    Conflict,
    falls,
    two_gradients,
)


@question(
    Choice(
        "04-where-tasks-meet",
        "A trunk with two heads. In which of its layers do *both* losses have a gradient, so that "
        "there is something to add?",
        [
            Option(
                "in all of them: it is one network",
                "One network, but no path leads from the digits' loss to the head of the clothes.",
            ),
            Option(
                "in none: each task has its own images",
                "The images differ; the trunk's weights that they pass through are the same.",
            ),
            Option(
                "in the trunk, but not in the heads",
                "Follow an image through the network: the trunk, then one head, then that head's "
                "loss.",
            ),
        ],
    )
)
def _where_tasks_meet(gradients: Mapping[str, Mapping[str, Any]]) -> Answer:
    paths = next(iter(gradients.values()))
    both = [all(of[path] is not None for of in gradients.values()) for path in paths]
    return Answer(
        letter(not any(both), any(both) and not all(both)),
        "The tasks meet in the trunk. A head gets gradients from its own task only, so a weight "
        "has nothing to outweigh there.",
    )


@question(
    Choice(
        "04-hundredfold",
        "All layers of the trunk are frozen, only the two heads are trained, and Fashion's weight "
        "is 1 or 100. Whose predictions change between the two?",
        [
            Option(
                "Fashion's under plain gradient descent, and next to none under Adam",
                "The weight makes the gradient a hundred times as long. What becomes of that is "
                "for the optimizer to say.",
            ),
            Option(
                "Fashion's get better and MNIST's worse, whatever the optimizer",
                "MNIST's head never hears of Fashion's loss, so nothing can get worse there.",
            ),
            Option(
                "none: a head gets gradients from its own task only",
                "Nobody else's gradient is added, true. But its own is a hundred times as long.",
            ),
        ],
    )
)
def _hundredfold(changed: Mapping[str, Mapping[str, float]]) -> Answer:
    plain, adam, _ = (of["fashion"] for of in changed.values())
    return Answer(letter(adam > 0.02, plain < 0.02), _HUNDREDFOLD)


_HUNDREDFOLD = """
Under plain gradient descent the weight makes the head's steps a hundred times as long. **Adam**
divides each gradient by its usual size, and the factor is gone. With one layer of the trunk trained
(last row) it is different: there the two gradients are added *before* Adam divides, and the weight
decides whose direction wins. So, under Adam:

- weights act in the **shared** layers, and in the heads not at all,
- only their **ratio** counts: weights of 1 and 2 do what 10 and 20 do.
"""


@question(
    Choice(
        "04-units",
        "One shared layer is trained with the plain sum, and Fashion's loss is multiplied by 100. "
        "What happens to the accuracies?",
        [
            Option(
                "Fashion gains a lot, MNIST loses a lot",
                "More weight is not more knowledge: Fashion still has the same few labels.",
            ),
            Option(
                "Fashion hardly gains, MNIST loses",
                "There is not much to gain for Fashion; but the shared layer now follows the "
                "clothes.",
            ),
            Option(
                "nothing: Adam divides the factor away",
                "It does so in the heads. In the shared layer the gradients are added first.",
            ),
        ],
    )
)
def _units(accuracy: Mapping[tuple[str, int], Mapping[str, np.ndarray]]) -> Answer:
    one, hundred = (accuracy["fixed", scale] for scale in study_results.UNITS)
    mnist, fashion = (np.mean(hundred[name] - one[name]) for name in study_results.PAIR)
    return Answer("a" if fashion > 0.03 else letter(True, abs(mnist) < 0.01), _UNITS)


_UNITS = """
So it is, as far as three seeds can tell. Fashion was already learning nearly as well as it can.
MNIST must now put up with a layer that follows the clothes. The second method, IMTL-G, weighs the
gradients so that the step goes equally far along each of them, whatever their lengths, and so
cancels the units again.

A weight mixes two things: the **scale** of a loss, which is an accident of its units, and the
**importance** of a task, which only you can decide. An automatic weighting can undo the first. It
cannot know the second.
"""


@question(
    Choice(
        "04-who-helps-the-slow",
        "Task 2 falls behind. Which weighting gives it more and more weight because of that?",
        [
            Option(
                "uncertainty weighting",
                "Its weight is about one over the loss: what is behind has a large loss, and "
                "counts less.",
            ),
            Option(
                "FAMO",
                "It keeps all losses falling at the same rate, and pays for that with the weight "
                "of the large one.",
            ),
            Option(
                "GradNorm",
                "It asks how much of its own first loss a task still has, and pulls harder where "
                "that is much.",
            ),
        ],
    )
)
def _who_helps_the_slow() -> Answer:
    ratios = study_results.weight_ratios()
    names = ("uncertainty", "famo", "gradnorm")
    (rising,) = [name for name in names if ratios[name][-1] > 2 * ratios[name][50]]
    return Answer(
        LETTERS[names.index(rising)],
        "GradNorm first cancels the unit, until both gradients pull equally hard, and then pulls "
        "harder where less has been achieved. **Uncertainty** and **FAMO** do the opposite: their "
        "weights are proportional to one over the loss, so the task that is behind counts less and "
        "less. FAMO gets there at once, and so does **DB-MTL**, whose line is the same because the "
        "gradients are as long as the losses; uncertainty *learns* its weights, and lags behind. "
        "**STCH** gives the larger loss more weight, but the less, the smaller it becomes. **DWA** "
        "would prefer the slower task, too, but from one step to the next the two losses fall at "
        "nearly the same rate, so it stays near the plain sum. **Random** weights (dots) know "
        "nothing at all. Keep them in mind: whatever claims to be clever has to beat them.",
    )


@question(
    Choice(
        "04-conflict",
        "Two gradients are 120° apart, the second about three times as long. What does a step "
        "against their sum do?",
        [
            Option(
                "the first loss rises",
                "The sum lies closer to the long gradient, and the short one's loss has no say.",
            ),
            Option(
                "both losses fall",
                "So it would be if the two were equally long, or less than a right angle apart.",
            ),
            Option(
                "the second loss rises",
                "The second gradient is the long one: the sum lies close to it.",
            ),
        ],
    )
)
def _conflict() -> Answer:
    given = two_gradients(FIRST_ANGLE, FIRST_LENGTH)
    first, second = given.falls(given.gradients.sum(axis=0))
    return Answer(letter(first > 0 and second > 0, second < 0), _CONFLICT)


_CONFLICT = """
The dashed line of the plain sum lies outside the yellow sector in which both losses fall. The long
gradient has outvoted the short one. Now change the angle and the length:

- at 90° or less there is no conflict, and PCGrad *is* the plain sum,
- with equal lengths the plain sum lies in the sector, too; conflict alone does no harm: it takes
  conflict **and** unequal lengths,
- near 180° the sector closes: hardly any step helps both.
"""


@question(
    Choice(
        "04-cosine",
        "We train on three targets and look at the gradients in the shared layer, which has more "
        "than a hundred thousand weights. The cosine between the gradients of digits and of "
        "clothes is",
        [
            Option(
                "clearly below zero: the tasks have nothing in common",
                "To have nothing in common is not to be against each other.",
            ),
            Option(
                "near zero",
                "In so many dimensions there is room for both to go their own way.",
            ),
            Option(
                "clearly above zero: both are about strokes and edges",
                "The frozen layers below have seen to strokes and edges; this layer has to tell "
                "classes apart.",
            ),
        ],
    )
)
def _cosine(measured: Conflict) -> Answer:
    mnist, fashion = (measured.settings.targets.index(name) for name in study_results.PAIR)
    cosine = measured.cosines[:, :, mnist, fashion].mean()
    return Answer(letter(cosine > -0.2, cosine > 0.2), _COSINE)


_COSINE = """
Even the two collections of digits are no exception. In a space of so many dimensions, two
directions that have nothing to do with each other are nearly at right angles. There is hardly any
conflict to resolve, so expect PCGrad to do what the plain sum does.

What does differ is on the right: the **lengths**. MNIST is soon learned and its gradient nearly
vanishes; Fashion's shrinks, too, but stays many times as long. Methods that make gradients equally
long do change something here.
"""


LEANING = {"pcgrad": "PCGrad", "fixed": "the plain sum", "mgda": "MGDA"}
"""The weightings in the question for who gives most to the shorter of two gradients."""


@question(
    Ordering(
        "04-leaning",
        "Two gradients are 120° apart, the second about three times as long. Which method gives "
        "the *shorter* one the largest share of the weight? The smallest share first.",
        [
            Option(
                LEANING["pcgrad"],
                "It takes away from each what points against the other, and the long one has more "
                "to lose.",
            ),
            Option(LEANING["fixed"], "It gives one half to each, however long they are."),
            Option(
                LEANING["mgda"],
                "It looks for the shortest mean, and a mean is short where the short one "
                "dominates.",
            ),
        ],
    )
)
def _leaning() -> Answer:
    weights = {"fixed": np.ones(2)} | {
        name: combined.weights
        for name, combined in two_gradients(FIRST_ANGLE, FIRST_LENGTH).combined.items()
    }
    names = list(LEANING)
    of_first = [weights[name][0] / weights[name].sum() for name in names]
    order = np.argsort(of_first)
    return Answer(
        "".join(LETTERS[place] for place in order),
        "The share of the shorter gradient is "
        + ", ".join(f"{of_first[place]:.2f} for {LEANING[names[place]]}" for place in order)
        + ". A method that leans towards short gradients neglects the task whose loss is measured "
        "in small units, or is still far from learned: remember that when MGDA meets other units.",
    )


@question(
    Choice(
        "04-three-tasks",
        "Three gradients, every two more than a right angle apart. PCGrad takes from each what "
        "points against one of the others, then from the rest what points against the other, and "
        "adds up what is left. The order is drawn. What does a step against the outcome do?",
        [
            Option(
                "all losses fall: nothing points against anything any more",
                "So it is with two tasks. Here the second projection brings back some of what the "
                "first one took away.",
            ),
            Option(
                "in some orders a loss rises",
                "The order does matter: it decides whose loss.",
            ),
            Option(
                "in every order a loss rises",
                "Each projection looks at one other task and forgets the one before.",
            ),
        ],
    )
)
def _three_tasks(gradients: np.ndarray) -> Answer:
    steps = [weighting.combine("pcgrad", gradients, seed=seed).direction for seed in range(50)]
    rises = [bool((falls(gradients, step) < 0).any()) for step in steps]
    return Answer(letter(any(rises) and not all(rises), all(rises)), _THREE_TASKS)


_THREE_TASKS = """
**UPGrad** projects each gradient at once onto all directions that make no task worse, and takes
the mean, so what PCGrad promises for two tasks it keeps for any number. The second table says who
promises what (a single counterexample makes a dash). How to choose:

- **No task may get worse**: take a *non-conflicting* method. Most others settle conflicts in many
  cases, and promise nothing. (ConFIG fails only if gradients depend on each other.)
- **Losses have units that mean nothing**: then do not take a plain sum or UPGrad, which keep their
  proportions. Steps of ConFIG and Nash-MTL point the same way whatever the units, and so do those
  of IMTL-G for two tasks; for three or more, a change of units may turn these round.
- **You have weighed the tasks yourself**: then you want just what *linear under scaling* says, but
  not of ConFIG, whose direction knows no weights. A method that cancels units cancels your weights,
  too.
- **A learning rate is tuned already**: it is lost with a method that is neither *scale-equivariant*
  nor of *constant sum*: the steps of Nash-MTL, FairGrad, DB-MTL and uncertainty weighting have a
  length of their own.
"""


@question(
    Estimate(
        "04-felt-units",
        "Eighteen weightings, two targets, ten seeds: in how many of the 36 comparisons does the "
        "factor 100 on Fashion's loss change the accuracy clearly?",
        least=0,
        most=36,
        within=2,
        unit="comparisons",
        too_low="Some methods never look at the size of a loss, and two favour the shorter "
        "gradient.",
        too_high="Most methods look at the losses or at the gradients, and cancel the factor; and "
        "where one does not, or does too much, only one target suffers.",
        close="You counted the methods that do not see the factor, and those that overdo it.",
    )
)
def _felt_units() -> Answer:
    clear = [
        change.is_clear
        for of_target in study_results.changes_by_units().values()
        for change in of_target.values()
    ]
    return Answer(sum(clear), _FELT_UNITS)


_FELT_UNITS = """
- **The plain sum, random weights and DWA** lose on MNIST. They never look at the size of a loss:
  random weights look at nothing, and DWA only at how fast a loss falls, where the unit cancels.
- **MGDA and FairGrad** lose on the *other* side: they weigh a long gradient down by more than its
  length, so Fashion's longer one makes them neglect Fashion.
- **FAMO** undoes the unit; what is left on MNIST may be chance.
- **The others** show no clear change. That says less than "the scale does not matter to them": the
  intervals of Nash-MTL and DB-MTL are so wide that they say next to nothing, and STCH, PCGrad,
  CAGrad, UPGrad and DualProj promise nothing of the kind.

Of 36 intervals, about two miss by chance. Those of random weights and MGDA are far from zero; those
of the plain sum, DWA, FAMO and FairGrad barely leave it out.
"""


@question(
    Choice(
        "04-front",
        "You go from equal weights to three times the weight on MNIST. By how much do the "
        "accuracies change?",
        [
            Option(
                "by a point or two at most",
                "The shared layer has room for both tasks: neither has to give up much.",
            ),
            Option(
                "by ten points and more",
                "That is what happens when a task gets no weight at all. A third is far from "
                "nothing.",
            ),
            Option(
                "not at all",
                "Adam would see to that in the heads. But one layer is shared.",
            ),
        ],
    )
)
def _front(equal: Mapping[str, np.ndarray], thrice: Mapping[str, np.ndarray]) -> Answer:
    largest = max(abs(np.mean(thrice[name] - equal[name])) for name in equal)
    return Answer(
        letter(largest > 0.05, largest < 0.001),
        "The front bends sharply, and a wide range of weights sits near its corner. Only towards "
        "the ends does one target pay, and the other gains little from it. Set other weights and "
        "see where they lie; choose three targets, and a triangle of weights appears.\n\n"
        "Bear in mind that the points are means of three seeds, and that some of the steps along "
        "this front are smaller than what a change of seeds does.",
    )


@question(
    Choice(
        "04-bulging-front",
        "Ten weightings of two losses whose front bulges the other way. Where on the front are the "
        "ten sums least?",
        [
            Option(
                "spread along the front, the weights deciding where",
                "So it is on a front that bends towards zero, like the one above.",
            ),
            Option(
                "at its two ends",
                "In the middle of such a front both losses are large, so every sum is.",
            ),
            Option(
                "all near the middle",
                "The middle treats both tasks alike. But a sum asks only how large it is.",
            ),
        ],
    )
)
def _bulging_front(least: np.ndarray) -> Answer:
    distances = np.array([[0.3 - 1], [0.3 + 1]])  # of x = 0.3 from the least of each loss
    slopes = 2 * distances * np.exp(-(distances**2))
    step = abs(weighting.combine("mgda", slopes).direction[0])
    from_the_middle = np.abs(least)
    return Answer(
        letter(bool(from_the_middle.min() > 0.9), bool(from_the_middle.max() < 0.3)),
        "All the sums end up there, as if the network were for one task only. MGDA's step at "
        f"$x = 0.3$ has length {step:.2f}: where no step helps both, it stays in between.\n\n"
        "Hu et al. 2023 ([Revisiting Scalarization](https://arxiv.org/abs/2308.13985); "
        "*scalarization* is the literature's word for a weighted sum) show that joint linear "
        "networks that are too small for their tasks have such fronts, too: no fixed weights reach "
        "the balanced part. Whether that matters for a given network is a question for "
        "measurement.",
    )


@question(
    Estimate(
        "04-tuned-sum",
        "Seventeen methods on two groups of targets: in how many of the 34 comparisons is the "
        "method clearly ahead of the tuned plain sum?",
        least=0,
        most=34,
        within=2,
        unit="comparisons",
        too_low="Of 34 intervals of 95 %, one or two exclude zero by chance alone.",
        too_high="Each method was published because it beat a plain sum; few of those sums had "
        "been tuned at the same cost.",
        close="You did not trust the tables in which the new method always wins.",
    )
)
def _tuned_sum() -> Answer:
    ahead = [
        study_results.against_plain_sum(of_group, name).verdict == "gain"
        for of_group in study_results.gains().values()
        for name in of_group
        if name != "fixed"
    ]
    return Answer(sum(ahead), _TUNED_SUM)


_TUNED_SUM = """
CAGrad and ConFIG are ahead once and so are, of all things, **random weights**, which know nothing.
Some are behind, and three are far behind, among them the winner of the quick look, Nash-MTL. Its
steps, and those of DB-MTL, need not become shorter as the gradients do, and with three targets the
best learning rate of both is the smallest that was tried: five trials may not have done them
justice. (Our DB-MTL also leaves out the paper's averaging of gradients.) FairGrad weighs a long
gradient down by more than its length, and smaller steps do not help it. And everything lies left
of the dotted line: with separate heads and a good source, no weighting makes joint training pay.
Lesson 03's verdict stands.

Should we believe the three gains? Of 34 such 95 % intervals, one or two exclude zero by chance. If
*all* of them are to hold at once (thin bars), no gain is clear, and only the losses of those far
behind are. The surest check is cheap here: run the same trials again, on new seeds.
"""


@question(
    Choice(
        "04-new-seeds",
        "Whatever came out ahead is run again, on 20 seeds that had no part in the choice. Is it "
        "still clearly ahead of the tuned plain sum?",
        [
            Option(
                "yes, all of it",
                "What was chosen for being the best of 34 has had luck on its side, too.",
            ),
            Option(
                "some of it",
                "The methods with an idea behind them? An idea is no measurement.",
            ),
            Option(
                "no, none of it",
                "New seeds had no part in the choice, so the luck of the first ten is gone.",
            ),
        ],
    )
)
def _new_seeds() -> Answer:
    ahead = [found.verdict == "gain" for found in study_results.on_new_seeds().values()]
    return Answer(letter(any(ahead) and not all(ahead), not any(ahead)), _NEW_SEEDS)


_NEW_SEEDS = """
All three gains are gone. Beneath the surface CAGrad and ConFIG do something all the same: they
trade, MNIST up and Fashion-MNIST down, with CAGrad UCI digits as well. That is a different
trade-off, not a better one.
"""
