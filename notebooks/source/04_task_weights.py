# %% [markdown]
# # 04 Many tasks at once: task weights
#
# <!-- badge -->
#
# About 45 minutes, exercises included. Afterwards you will be able to
#
# - say what a task weight does, and where in the network it does it,
# - tell apart the scale of a loss and the importance of a task,
# - measure whether tasks conflict, and say what each automatic weighting makes of it,
# - judge such a method against a fair opponent: a plain sum tuned at the same cost.
#
# You need lesson 03 (one trunk, several heads, the joint loss). Run all cells first
# (*Run > Run All Cells*, about a minute), then read from here.

# %% tags=["setup"]
# The builder writes the setup cell.

# %% tags=["imports"]
import keras
import numpy as np
import tensorflow as tf
from IPython.display import Markdown

import simmim_lib
from simmim_lib import datasets, exercises, losses, trunks, weighting
from simmim_lib.foundation.intervals import difference, mean_and_interval
from simmim_lib.lessons.task_weights import (
    conflict,
    conflict_figures,
    panels,
    shares,
    studies,
    study_figures,
)
from simmim_lib.studies import stored

# %% [markdown]
# ## 1. What a weight does
#
# The joint loss of lesson 03 is a sum with weights, and so is its gradient:
#
# $$L = \sum_t w_t L_t, \qquad \nabla L = \sum_t w_t \nabla L_t$$
#
# So a weight stretches one task's gradient before all of them are added. In which parts of the
# network is there anything to add? Take two tasks: the digits of MNIST and the clothes of
# Fashion-MNIST.

# %% tags=["nbval-check-output"]
targets = ("mnist", "fashion")
few = {name: datasets.few_shot(name, labels_per_class=5, seed=0) for name in targets}
keras.utils.set_random_seed(0)
tasks = [simmim_lib.Task(name, few[name].class_names) for name in targets]
model = simmim_lib.SimMIM(trunks.build_trunk(), tasks)
gradients = {}
for name in targets:
    with tf.GradientTape() as tape:
        logits = model({name: few[name].labelled.images})[name]
        loss = tf.reduce_mean(losses.cross_entropy(few[name].labelled.labels, logits))
    found = tape.gradient(loss, model.trainable_variables)  # none where the loss does not depend
    gradients[name] = {weight.path: each for weight, each in zip(model.weights, found, strict=True)}
print(f"{'has a gradient of':27} mnist  fashion")
for path in (path for path in gradients["mnist"] if path.endswith("kernel")):
    yes = ["-" if gradients[name][path] is None else "yes" for name in targets]
    print(f"{path:27} {yes[0]:6} {yes[1]}")

# %% [markdown]
# The tasks meet in the trunk. A head gets gradients from its own task only, so a weight has nothing
# to outweigh there. Let us see what that means: all layers of the trunk are frozen, only the two
# heads are trained, and Fashion's weight is 1 or 100.
#
# **Predict.** Whose predictions change between weight 1 and weight 100?
#
# - (a) Fashion's get better and MNIST's worse, whatever the optimizer
# - (b) Fashion's change under plain gradient descent, and next to none under Adam
# - (c) none: a head gets gradients from its own task only


# %%
def count_changes(**options):
    """Return how many predictions change when Fashion's weight goes from 1 to 100."""
    ratios = ((1, 1), (1, 100))
    plans = [shares.small_experiment(task_weights=ratio, **options) for ratio in ratios]
    one, hundred = (simmim_lib.run(plan, baseline=False).predictions for plan in plans)
    return [f"{x} {np.sum(one[x] != hundred[x]):4} of {one[x].size}" for x in targets]


counts = {
    "heads, plain gradient descent": count_changes(
        frozen_layers=4, optimizer="sgd", learning_rate=0.1
    ),
    "heads, Adam": count_changes(frozen_layers=4),
    "heads and one shared layer, Adam": count_changes(frozen_layers=3),
}
for trained, changes in counts.items():
    print(f"{trained:33} changed: {', '.join(changes)}")

# %% [markdown]
# **Explain.** (b). Under plain gradient descent the weight makes the head's steps a hundred times as
# long. **Adam** divides each gradient by its usual size, and the factor is gone. With one layer of
# the trunk trained (last line) it is different: there the two gradients are added *before* Adam
# divides, and the weight decides whose direction wins. So, under Adam:
#
# - weights act in the **shared** layers, and in the heads not at all,
# - only their **ratio** counts: weights of 1 and 2 do what 10 and 20 do.

# %% [markdown]
# ## 2. Scale and importance
#
# Somebody reports Fashion's loss in hundredths: the same loss, times 100. Nobody said that clothes
# are now more important; we still judge both targets by their accuracy. But the sum sees a gradient
# a hundred times as long.
#
# **Predict.** One shared layer is trained, with the plain sum. What happens to the accuracies?
#
# - (a) Fashion gains a lot, MNIST loses a lot
# - (b) Fashion hardly gains, MNIST loses
# - (c) nothing: Adam

# %%
lines = []
for name in ("fixed", "imtl-g"):
    for scale in (1, 100):
        plan = shares.small_experiment(weighting=name, task_weights=(1, scale))
        accuracy = simmim_lib.run(plan, baseline=False).accuracy
        columns = "   ".join(mean_and_interval(accuracy[target], digits=2) for target in targets)
        title = weighting.METHODS[name].short_title
        lines.append(f"{title:10} Fashion's loss times {scale:<4}  {columns}")
print(*lines, "test accuracy of MNIST and of Fashion, 3 seeds; guessing: 0.10", sep="\n")

# %% [markdown]
# **Explain.** (b), as far as three seeds can tell. Fashion was already learning nearly as well as it
# can; there was not much to gain. MNIST must now put up with a layer that follows the clothes. The
# second method, IMTL-G, weighs the gradients so that the step goes equally far along each of them,
# whatever their lengths, and so cancels the units again.
#
# So a weight mixes two things: the **scale** of a loss, which is an accident of its units, and the
# **importance** of a task, which only you can decide. An automatic weighting can undo the first. It
# cannot know the second.
#
# Which of twelve weightings are sensitive to the factor 100? A stored study, ten seeds:

# %%
scaled = stored.load("scaled-loss")
changed = {}
for name in weighting.METHODS:
    changed[name] = {}
    for target in targets:
        hundred, one = (
            scaled.values("accuracy", target, weighting=name, task_weights=(1, scale))
            for scale in (100, 1)
        )
        changed[name][target] = difference(hundred, one)
about = "Fashion's loss times 100: change of test accuracy"
study_figures.changes(changed, f"{about} (10 seeds, budget {scaled.budget})")

# %% tags=["nbval-check-output"]
for name, of_target in changed.items():
    clear = [f"{x} {of_target[x]}" for x in targets if of_target[x].verdict in ("gain", "loss")]
    print(f"{weighting.METHODS[name].short_title:13} {'; '.join(clear) or 'no clear change'}")

# %% [markdown]
# - **The plain sum, random weights and DWA** lose on MNIST. They never look at the size of a loss:
#   random weights look at nothing, and DWA only at how fast a loss falls, where the unit cancels.
# - **MGDA** loses on the *other* side: it favours the task with the short gradient, so Fashion's
#   longer one makes it neglect Fashion.
# - **FAMO** undoes the unit, but for a small change on MNIST.
# - **The others** show no clear change. That says less than "the scale does not matter to them":
#   Nash-MTL's interval is so wide that it says next to nothing, and PCGrad promises nothing of the
#   kind.

# %% [markdown]
# ## 3. Weights from losses
#
# The first family looks only at the losses (GradNorm at the lengths of the gradients, too), so the
# weighting adds next to nothing to the cost of a step. The formulas and papers come from
# `weighting.METHODS`, the list of all methods:


# %%
def list_methods(*sees):
    """Show title, name, formula and paper of the methods that look at these things."""
    return Markdown(
        "\n".join(
            f"- **{kind.title}**, `{name}`: ${kind.formula}$. *{kind.paper}.*"
            for name, kind in weighting.METHODS.items()
            if kind.sees in sees
        )
    )


list_methods("losses", "norms")

# %% [markdown]
# To see them at work, we make up two losses: the second is ten times as large and falls three times
# as slowly. Each gradient is as long as its loss.
#
# **Predict.** Task 2 falls behind. Which weighting gives it more and more weight because of that?
#
# - (a) uncertainty
# - (b) GradNorm
# - (c) FAMO

# %%
step = np.arange(200)
made_up = np.stack([2.3 * np.exp(-step / 40), 23 * np.exp(-step / 120)], axis=1)
ratios = {}
for name, kind in weighting.METHODS.items():
    if kind.sees != "gradients":
        method = weighting.create(name, tasks=2)
        weights = [method.weigh(pair, gram=np.diag(pair**2)) for pair in made_up]
        ratios[name] = np.array([second / first for first, second in weights])
study_figures.weights_over_steps(made_up, ratios)

# %% [markdown]
# **Explain.** (b). GradNorm first cancels the unit, until both gradients pull equally hard, and then
# pulls harder where less has been achieved. **Uncertainty** and **FAMO** do the opposite: their
# weights are proportional to one over the loss, so the task that is behind counts less and less.
# FAMO gets there at once; uncertainty *learns* its weights, and lags behind. **DWA** would prefer
# the slower task, too, but from one step to the next the two losses fall at nearly the same rate.
# **Random** weights (dots) know nothing at all. Keep them in mind: whatever claims to be clever has
# to beat them.

# %% [markdown]
# ### Exercise 1: The optimum of uncertainty weighting (medium, 10 minutes)
#
# For one task, uncertainty weighting minimises $\frac{L}{2e^s} + \frac{s}{2}$ over $s$ while the
# network trains. Suppose the losses stay constant. Where does $s$ end up, and what weight does a
# loss then get?


# %% tags=["nbval-check-output"]
def optimal_weights(losses):
    """Return the weight 1 / (2 e^s) of each task at its best s, for losses of shape (tasks,)."""
    ...  # your code


exercises.check("04-uncertainty-optimum", optimal_weights)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The slope in $s$ is $-\frac{L}{2}e^{-s} + \frac12$. It is zero where $e^s$ is ... what? Put that
# into the weight.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def optimal_weights(losses):
#     return 1 / (2 * losses)  # the slope is zero where e^s = L
# ```
#
# </details>

# %% [markdown]
# ## 4. When tasks fight
#
# A small step against a direction $d$ lowers a loss if $d$ lies within a right angle of its
# gradient. Two tasks are in **conflict** when their gradients are more than a right angle apart, so
# that their cosine is below zero: a step for one task alone hurts the other.
#
# **Predict.** Two gradients are 120° apart, the second about three times as long. What does a step
# against their sum do?
#
# - (a) both losses fall
# - (b) the first loss rises
# - (c) the second loss rises

# %%
panels.conflict(angle=120, length=10**0.5)

# %% [markdown]
# **Explain.** (b): the dashed line of the plain sum lies outside the yellow sector in which both
# losses fall. The long gradient has outvoted the short one. Now change the angle and the length:
#
# - at 90° or less there is no conflict, and PCGrad *is* the plain sum,
# - with equal lengths the plain sum lies in the sector, too; conflict alone does no harm: it takes
#   conflict **and** unequal lengths,
# - near 180° the sector closes: hardly any step helps both.
#
# In one sentence each:
#
# - **MGDA** takes the shortest weighted mean of the gradients, so it leans towards the short one.
# - **PCGrad** removes from each gradient the part that points against the other, then adds them.
# - **CAGrad** stays within a ball around the mean, and there does what it can for the worst-off
#   task.
# - **IMTL-G** goes equally far along the direction of every gradient.
# - **Nash-MTL** bargains: it makes the product of all gains as large as possible. Its step always
#   has the same length, however short the gradients have become.
# - **Aligned-MTL** transforms the gradients until they are at right angles and equally long, and
#   takes the mean.
#
# As formulas:

# %%
list_methods("gradients")

# %% [markdown]
# ### Exercise 2: MGDA for two tasks (medium, 10 minutes)
#
# Find the weight $a$ from 0 to 1 for which the weighted mean $a\,g_1 + (1-a)\,g_2$ is shortest.


# %% tags=["nbval-check-output"]
def mgda_two_tasks(first, second):
    """Return the weight of the first of two gradients, each of shape (parameters,) and not equal."""
    ...  # your code


exercises.check("04-mgda-two-tasks", mgda_two_tasks)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# With $h = g_2 - g_1$ the mean is $g_2 - a h$, and its squared length
# $g_2\cdot g_2 - 2a\,(h\cdot g_2) + a^2\,(h\cdot h)$ is a parabola in $a$.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# The parabola is lowest at $a = (h\cdot g_2)/(h\cdot h)$. If that is below 0 or above 1, the nearest
# allowed weight is the best one.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def mgda_two_tasks(first, second):
#     apart = second - first
#     return np.clip(apart @ second / (apart @ apart), 0, 1)
# ```
#
# </details>

# %% [markdown]
# ### Exercise 3: How long may the other gradient be? (easy, 5 minutes)
#
# Go back to the panel with the two arrows. At 100, 120 and 150 degrees: how many times as long as
# the first may the second gradient be, so that a step against the *plain sum* still lets both losses
# fall? Read the longest such length off the slider, or work it out.

# %% tags=["nbval-check-output"]
longest = {100: ..., 120: ..., 150: ...}  # by angle in degrees

exercises.check("04-longest-length", longest)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Look at the dashed line of the plain sum: when it leaves the sector in which both losses fall, it
# is at a right angle to the first gradient.
#
# </details>
#
# <details><summary>Solution</summary>
#
# At the limit the sum is at a right angle to the first gradient, $1 + r\cos\alpha = 0$, so
# $r = 1 / |\cos\alpha|$. What the slider shows just before or behind it is right, too.
#
# ```python
# longest = {100: 5.76, 120: 2.0, 150: 1.155}
# ```
#
# </details>

# %% [markdown]
# So much for made-up arrows. Do *our* tasks fight? We train on three targets and look at the
# gradients in the shared layer, which has more than a hundred thousand weights.
#
# **Predict.** The cosine between the gradients of digits and of clothes is
#
# - (a) clearly below zero: the tasks have nothing in common
# - (b) near zero
# - (c) clearly above zero: both are about strokes and edges

# %%
three = shares.small_experiment(targets=("mnist", "uci-digits", "fashion"))
conflict_figures.conflict_over_time(conflict.conflict_over_time(three))

# %% [markdown]
# **Explain.** (b), and even the two collections of digits are no exception. In a space of so many
# dimensions, two directions that have nothing to do with each other are nearly at right angles.
# There is hardly any conflict to resolve, so expect PCGrad to do what the plain sum does.
#
# What does differ is on the right: the **lengths**. MNIST is soon learned and its gradient shrinks;
# Fashion's stays long. Methods that make gradients equally long do change something here.

# %% [markdown]
# ## 5. What weights can reach
#
# One network cannot be best at everything. A weighting is **dominated** if another one is at least
# as good on all targets and better on one. The weightings that are not dominated form the **Pareto
# front**: along it, gaining on one target means losing on another.
#
# **Predict.** You go from equal weights to three times the weight on one of the targets. The
# accuracies change
#
# - (a) by ten points and more
# - (b) by a point or two
# - (c) not at all

# %%
panels.task_weights()

# %% [markdown]
# **Explain.** (b): the front bends sharply, and a wide range of weights sits near its corner. Only
# towards the ends does one target pay, and the other gains little from it. Set other weights and see
# where they lie; choose three targets, and a triangle of weights appears.
#
# Bear in mind that the points are means of three seeds, and that some of the steps along this front
# are smaller than what a change of seeds does.
#
# **Can a sum reach the whole front?** Not if the front bulges the wrong way (is *non-convex*). Here
# are two made-up losses with one parameter $x$; every $x$ from -1 to 1 is on the front. We try ten
# weightings, and take for each the $x$ where the weighted sum is least.

# %% tags=["nbval-check-output"]
x = np.linspace(-1, 1, 401)
front = 1 - np.exp(-np.stack([(x - 1) ** 2, (x + 1) ** 2], axis=1))
best = [np.argmin(front @ (share, 1 - share)) for share in np.arange(0.05, 1, 0.1)]
print("the sums are least at x =", *(f"{place:+.2f}" for place in np.unique(x[best].round(2))))
away = np.array([[0.3 - 1], [0.3 + 1]])
slopes = 2 * away * np.exp(-(away**2))  # of both losses, at x = 0.3
print(f"MGDA's step at x = 0.3: {abs(weighting.combine('mgda', slopes).direction[0]):.2f}")

# %%
study_figures.sums_on_a_front(front, front[best])

# %% [markdown]
# All the sums end up at the two ends, as if the network were for one task only. MGDA, at $x = 0.3$,
# finds no step that helps both and stays in between. Hu et al. 2023
# ([Revisiting Scalarization](https://arxiv.org/abs/2308.13985); *scalarization* is the literature's
# word for a weighted sum) show that joint linear networks that are too small for their tasks have
# such fronts, too: no fixed weights reach the balanced part. Whether that matters for a given
# network is a question for measurement.

# %% [markdown]
# ## 6. The experiment that matters
#
# First a quick look: some of the weightings compared, on the same labels and batches, with five seeds
# and at one learning rate.

# %%
panels.compare_weightings()

# %% [markdown]
# In our run Nash-MTL comes first; keep that in mind. Many papers end with a table like this. It
# leaves three questions open. Was the plain sum *tuned* as carefully as the new method? Do the seeds
# support the claim? And how many methods were tried until one looked good?
#
# For the answer we need one number for several targets. **Delta-m** says by how many percent the
# joint network does better than separate networks, on average over the targets.
#
# $$\Delta_m = \frac{100}{T} \sum_t \sigma_t\, \frac{M_t - S_t}{S_t}$$
#
# with $M_t$ the joint network's measure for task $t$, $S_t$ that of a separate network for the task,
# and $\sigma_t = 1$ where higher is better (accuracy), $-1$ where lower is better (an error)
# ([Maninis et al., 2019](https://arxiv.org/abs/1904.08918)).

# %% [markdown]
# **The study.** Two groups of targets, from glyphs with two layers frozen, ten labels per class, ten
# seeds. Every method gets **five trials**: the plain sum five sets of weights, every other method
# five learning rates, and the separate networks five learning rates, too. Each method's best trial
# is chosen on validation images; only then is it tested.

# %% [markdown]
# ### Exercise 4: How many by luck? (medium, 10 minutes)
#
# Eleven methods on two groups are 22 comparisons with the plain sum, each with a 95 % interval. Before
# you look at them: suppose that *no* method differed from the plain sum, and that the comparisons
# were independent. How many intervals would exclude zero all the same, on average? With which
# probability at least one? And at which level must each interval be taken, so that all 22 contain the
# truth at once in 95 of 100 such studies?

# %% tags=["nbval-check-output"]
by_luck = {
    "expected": ...,  # how many exclude zero, on average
    "at least one": ...,  # the probability, from 0 to 1
    "level": ...,  # of each interval, from 0 to 1
}
exercises.check("04-by-luck", by_luck)

# %% [markdown]
# <details><summary>Hint</summary>
#
# One interval in twenty excludes the truth. What is the probability that none of 22 does? And if
# all together may miss it once in twenty studies, how often may each?
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# by_luck = {"expected": 22 * 0.05, "at least one": 1 - 0.95**22, "level": 1 - 0.05 / 22}
# ```
#
# The last is Bonferroni's rule; $0.95^{1/22}$ is nearly the same.
#
# </details>

# %% [markdown]
# **Predict.** Eleven methods on two groups: in how many of the 22 comparisons is the method clearly
# ahead of the tuned plain sum?
#
# - (a) in most of them
# - (b) in about a third
# - (c) in hardly any

# %%
study = stored.load("weightings")
gains = {group: studies.relative_gains(study, group) for group in studies.TRIALS}
about = f"Mean relative gain over separate networks (10 seeds, budget {study.budget})"
study_figures.against_tuned_sum(gains, about)

# %% tags=["nbval-check-output"]
for group, of_group in gains.items():
    chosen = studies.best_trials(study, group)
    print(f"{', '.join(group)}; the plain sum chose {chosen['fixed'].settings.task_weights}")
    for name in of_group:
        rate = chosen[name].settings.learning_rate
        found = difference(of_group[name] / 100, of_group["fixed"] / 100)
        if name != "fixed":
            print(f"  {weighting.METHODS[name].short_title:13} learning rate {rate:<7} {found}")

# %% [markdown]
# **Explain.** (c). Two of 22 are ahead: CAGrad and, of all things, **random weights**, which know
# nothing. Some are behind, and the winner of the quick look, Nash-MTL, is far behind: the study
# trains one layer more, for longer and with fewer labels than the quick look. Its best learning
# rate is the smallest that was tried, so five trials did not do it justice. And everything lies
# left of the dotted line: with separate heads and a good source, no weighting makes joint training
# pay. Lesson 03's verdict stands.
#
# Should we believe the two? Of 22 such 95 % intervals, about one excludes zero by chance. If *all*
# of them are to hold at once (thin bars), neither gain is clear, and only Nash-MTL's losses are. The
# surest check is cheap here: run the same trials again, on seeds that had no part in the choice.
#
# **Predict.** CAGrad and random weights on 20 new seeds, against the tuned plain sum:
#
# - (a) both stay ahead
# - (b) CAGrad does, random weights do not
# - (c) neither does

# %% tags=["nbval-check-output"]
again = stored.load("weightings-again")
group = ("mnist", "uci-digits", "fashion")
new_gains = studies.relative_gains(again, group)
new, plain = slice(10, None), {"targets": group, "weighting": "fixed"}
for name in ("random", "cagrad"):
    found = difference(new_gains[name][new] / 100, new_gains["fixed"][new] / 100)
    print(f"{weighting.METHODS[name].short_title}, delta-m: {found}")
for target in group:
    cagrad = again.values("accuracy", target, targets=group, weighting="cagrad")[new]
    found = difference(cagrad, again.values("accuracy", target, **plain)[new])
    print(f"  CAGrad, accuracy of {target:11} {found}")

# %% [markdown]
# **Explain.** (c): both gains are gone. Beneath the surface CAGrad does do something: it trades,
# MNIST up and the others down. That is a different trade-off, not a better one.
#
# **What the literature says.** Both sides, because the question is not closed:
#
# - [Kurin et al. 2022](https://arxiv.org/abs/2201.04122) and
#   [Xin et al. 2022](https://arxiv.org/abs/2209.11379) find, on the usual benchmarks, that a plain
#   sum that is tuned and regularised just as carefully matches the special methods, at lower cost.
#   Our study agrees.
# - [Hu et al. 2023](https://arxiv.org/abs/2308.13985) show cases where a sum cannot reach the whole
#   front, and gradient-based methods find balanced solutions that it misses. Section 5 has such a
#   case.
#
# And the limits of our study: our tasks hardly conflict, our losses have the same unit, and there
# are only two or three of them. With a loss in other units you have seen methods that help without
# any tuning; with dozens of tasks nobody can try all weights.
#
# So: bring the losses to the same scale, take the plain sum, and try a few weights on validation
# data. Take a special method if you have measured a conflict or cannot tune, and give the plain sum
# the same number of trials.

# %% [markdown]
# ## Recap
#
# - The gradient of a weighted sum is the weighted sum of the gradients. Under Adam, weights act in
#   the shared layers only, and only their ratio matters.
# - Scale is an accident of units, importance is your decision. Some methods cancel the first; none
#   knows the second.
# - Loss-based methods look at sizes and speeds and cost nothing; gradient-based ones look at angles
#   and lengths. Ours hardly conflict.
# - The Pareto front is what can be traded. Where it bulges the wrong way, a sum reaches only its
#   ends.
# - No weighting that beat a plain sum tuned at the same cost stayed ahead on new seeds. Count your
#   comparisons, and repeat what looks good.
#
# ## Where next
#
# [Lesson 05, Information maximisation](05_information_maximisation.ipynb): so far every target
# learned from its few labels alone. There are thousands of images *without* labels.
# [Lesson 03](03_simmim_model.ipynb) has the network that all of this ran on.
