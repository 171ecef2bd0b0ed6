# %% [markdown]
# # 04 Many tasks at once: task weights
#
# <!-- badge -->
#
# About 100 minutes; 55 without what goes deeper. Afterwards you will be able to
#
# - say what a task weight does, and where in the network it does it,
# - tell apart the scale of a loss and the importance of a task,
# - measure whether tasks conflict, and say what automatic weightings make of it,
# - judge such a method against a fair opponent: a plain sum tuned at the same cost.
#
# You need lesson 03 (one trunk, several heads, the joint loss). Run cell by cell (Shift+Enter), and
# answer each question before you go on: what comes out is shown after your click.

# %% tags=["setup"]
# The builder writes the setup cell.

# %% tags=["imports", "folded"]
# @title Imports
import numpy as np
import tensorflow as tf

import simmim_lib
from simmim_lib import datasets, exercises, losses, trunks
from simmim_lib.lessons.task_weights import (
    conflict,
    conflict_figures,
    panels,
    shares,
    study_figures,
    study_results,
)

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

# %%
targets = ("mnist", "fashion")
few = {name: datasets.few_shot(name, labels_per_class=5, seed=0) for name in targets}
tasks = [simmim_lib.Task(name, few[name].class_names) for name in targets]
model = simmim_lib.SimMIM(trunks.build_trunk(), tasks)
gradients = {}
for name in targets:
    with tf.GradientTape() as tape:
        logits = model({name: few[name].labelled.images})[name]
        loss = tf.reduce_mean(losses.cross_entropy(few[name].labelled.labels, logits))
    found = tape.gradient(loss, model.weights)  # None where the loss does not depend on a weight
    gradients[name] = {weight.path: each for weight, each in zip(model.weights, found, strict=True)}

# %%
exercises.predict(
    "04-where-tasks-meet", study_results.gradients_table(gradients), gradients=gradients
)

# %% [markdown]
# Now a weight at work. The next cell trains both tasks with Fashion's weight 1 and again with 100, and
# counts the predictions on test images that differ between the two: with only the heads trained, by
# each of two optimizers, and with one layer of the trunk trained as well.

# %%
sgd = {"optimizer": "sgd", "learning_rate": 0.1}
changed = {
    "heads, plain gradient descent": study_results.share_changed(frozen_layers=4, **sgd),
    "heads, Adam": study_results.share_changed(frozen_layers=4),
    "heads and one shared layer, Adam": study_results.share_changed(frozen_layers=3),
}

# %%
exercises.predict("04-hundredfold", study_results.changed_table(changed), changed=changed)

# %% [markdown]
# ## 2. Scale and importance
#
# A robot's network has two outputs: what it sees, and how far away that is. Measure the distance in
# millimetres instead of metres, and its squared error is a million times as large. Nobody said that
# distances are now more important; but the sum sees a gradient a million times as long.
#
# Our two tasks have the same unit. To see what another one does, we multiply Fashion's loss by 100,
# and still judge both targets by their accuracy: once with the plain sum, once with a weighting
# called IMTL-G, which looks at the gradients.

# %%
accuracy = {}
for name in ("fixed", "imtl-g"):  # "fixed" is the plain sum
    for scale in (1, 100):
        plan = shares.small_experiment(weighting=name, task_weights=(1, scale))
        accuracy[name, scale] = simmim_lib.run(plan, baseline=False).accuracy

# %%
exercises.predict("04-units", study_results.units_table(accuracy), accuracy=accuracy)

# %% [markdown]
# ## 3. Going deeper: weights from losses
#
# The first family of automatic weightings looks only at the losses (GradNorm and DB-MTL at the
# lengths of the gradients, too), so the weighting adds little to the cost of a step, mostly about a
# tenth.

# %%
study_results.methods("losses", "norms")

# %% [markdown]
# To see them at work, we make up two losses: the second is ten times as large and falls three times
# as slowly. Each gradient is as long as its loss.

# %%
exercises.predict("04-who-helps-the-slow", study_results.weight_ratios_figure())

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
# The second family of weightings looks at the gradients themselves, all of them, in every step. Two
# suffice to see the idea: **MGDA** takes the shortest weighted mean of the gradients, along which no
# task gets worse. **PCGrad** removes from each gradient the part that points against the other, and
# adds what is left.

# %%
exercises.predict("04-conflict", panels.conflict())

# %% [markdown]
# So much for made-up arrows. Do *our* tasks fight? The next cell trains on three targets and keeps
# the angles between their gradients.

# %%
three = shares.small_experiment(targets=("mnist", "uci-digits", "fashion"))
measured = conflict.conflict_over_time(three)

# %%
exercises.predict("04-cosine", conflict_figures.conflict_over_time(measured), measured=measured)

# %% [markdown]
# ## 5. Going deeper: more ways to settle a conflict
#
# The panel above has the first six. Of the other four, two add little where there are two tasks:
# UPGrad's step is half of PCGrad's, and ConFIG's points where IMTL-G's does.

# %%
study_results.methods("gradients")

# %%
exercises.predict("04-leaning")

# %% [markdown]
# With a third task they part. Here are three gradients in conflict, and below what each weighting
# promises of its steps, *whatever* the gradients.

# %%
three_gradients = np.array([[1, 0, 1], [-3, -3, 1], [0, 2, -2]])
exercises.predict(
    "04-three-tasks",
    study_results.three_tasks_table(three_gradients),
    study_results.promises(),
    gradients=three_gradients,
)

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
# ## 6. Going deeper: which weightings feel the units?
#
# All weightings once more, with Fashion's loss multiplied by 1 and by 100: a stored study
# of ten seeds.

# %%
exercises.predict("04-felt-units", study_results.changes_by_units_figure())

# %% [markdown]
# ## 7. What weights can reach
#
# One network cannot be best at everything. A weighting is **dominated** if another one is at least
# as good on all targets and better on one. The weightings that are not dominated form the **Pareto
# front**: along it, gaining on one target means losing on another.

# %%
plans = [shares.small_experiment(task_weights=ratio) for ratio in ((1, 1), (3, 1))]
equal, thrice = (simmim_lib.run(plan, baseline=False).accuracy for plan in plans)

# %%
exercises.predict("04-front", panels.task_weights(), equal=equal, thrice=thrice)

# %% [markdown]
# ## 8. Going deeper: where a sum cannot go
#
# Can a sum reach the whole front? Not if the front bulges the wrong way (is *non-convex*). Here are
# two made-up losses with one parameter $x$; every $x$ from -1 to 1 is on the front. We try ten
# weightings, and take for each the $x$ where the weighted sum is least.

# %%
x = np.linspace(-1, 1, 401)
front = 1 - np.exp(-np.stack([(x - 1) ** 2, (x + 1) ** 2], axis=1))
least = [np.argmin(front @ (share, 1 - share)) for share in np.arange(0.05, 1, 0.1)]

# %%
exercises.predict(
    "04-bulging-front", study_figures.sums_on_a_front(front, front[least]), least=x[least]
)

# %% [markdown]
# ## 9. The experiment that matters
#
# First a quick look: some of the weightings compared, on the same labels and batches, with five seeds
# and at one learning rate. Beside MGDA and PCGrad you meet three others in it. **Uncertainty
# weighting** gives a loss a weight of about one over its size, **GradNorm** makes all tasks pull
# equally hard, and **Nash-MTL** bargains: it makes the product of all tasks' gains as large as
# possible.

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
# seeds: one layer more is trained than in the quick look, for longer and with fewer labels. Seventeen
# methods compete with the plain sum, and one of them, random weights, knows nothing at all: it is
# there to be beaten. Every method gets **five trials**: the plain sum five sets of weights, every
# other method five learning rates, and the separate networks five learning rates, too. For each
# method the best of its five trials is chosen on validation images; only that one is tested.

# %% [markdown]
# ### Exercise 4: How many by luck? (medium, 10 minutes)
#
# Seventeen methods on two groups are 34 comparisons with the plain sum, each with a 95 % interval.
# Before you look at them: suppose that *no* method differed from the plain sum, and that the comparisons
# were independent. How many intervals would exclude zero all the same, on average? With which
# probability at least one? And at which level must each interval be taken, so that all 34 contain the
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
# One interval in twenty excludes the truth. What is the probability that none of 34 does? And if
# all together may miss it once in twenty studies, how often may each?
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# by_luck = {"expected": 34 * 0.05, "at least one": 1 - 0.95**34, "level": 1 - 0.05 / 34}
# ```
#
# The last is Bonferroni's rule; $0.95^{1/34}$ is nearly the same.
#
# </details>

# %%
exercises.predict("04-tuned-sum", study_results.gains_figure(), study_results.gains_table())

# %%
exercises.predict("04-new-seeds", study_results.on_new_seeds_table())

# %% [markdown]
# **What the literature says.** Both sides, because the question is not closed:
#
# - [Kurin et al. 2022](https://arxiv.org/abs/2201.04122) and
#   [Xin et al. 2022](https://arxiv.org/abs/2209.11379) find, on the usual benchmarks, that a plain
#   sum that is tuned and regularised just as carefully matches the special methods, at lower cost.
#   Our study agrees.
# - [Hu et al. 2023](https://arxiv.org/abs/2308.13985) show cases where a sum cannot reach the whole
#   front, and gradient-based methods find balanced solutions that it misses. Section 8 has such a
#   case.
#
# And the limits of our study: our tasks hardly conflict, our losses have the same unit, and there
# are only two or three of them. With a loss in other units you have seen a method that helps without
# any tuning; with dozens of tasks nobody can try all weights.
#
# So: bring the losses to the same scale, take the plain sum, and try a few weights on validation
# data. Take a special method if you have measured a conflict or cannot tune, and give the plain sum
# the same number of trials.

# %% [markdown]
# ## Recap

# %%
exercises.score("04")

# %% [markdown]
# - The gradient of a weighted sum is the weighted sum of the gradients. Under Adam, weights act in
#   the shared layers only, and only their ratio matters.
# - Scale is an accident of units, importance is your decision. Some methods cancel the first; none
#   knows the second.
# - Loss-based methods look at sizes and speeds and cost little; gradient-based ones look at angles
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
