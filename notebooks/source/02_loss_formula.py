# %% [markdown]
# # 02 The loss formula
#
# <!-- badge -->
#
# About 100 minutes; 55 without what goes deeper. Afterwards you will be able to
#
# - say what the article's formula says, term by term, and what it was meant to say,
# - differentiate by hand, and check the result in two other ways,
# - predict what each of four readings does to a network,
# - compute surprise, entropy, cross-entropy, divergence and mutual information of real predictions.
#
# You need to know what a probability, a logarithm and a gradient step are. Run cell by cell
# (Shift+Enter), and answer each question before you go on: what comes out is shown after your click.

# %% tags=["setup"]
# The builder writes the setup cell.

# %% tags=["imports", "folded"]
# @title Imports
import keras
import numpy as np
import tensorflow as tf

from simmim_lib import datasets, exercises, losses, trunks
from simmim_lib.lessons.loss_formula import (
    panels,
    study_results,
    training_by_loss,  # noqa: F401 ("Copy settings" names it)
)

# %% [markdown]
# ## 1. What the formula says
#
# The article gives this loss for training on several tasks at once, and says about it: "this loss
# function represents the cross-entropy between the probabilities the model predicts and the true
# probabilities; our goal is to minimise it, that is, to maximise the probability the model predicts"
# (our translation).
#
# $$L = -\sum_{i=1}^{n} p(y_i\,|\,x_i;\theta)\,\log p(y_i\,|\,x_i;\theta)$$
#
# Term by term:
#
# | term | meaning |
# |---|---|
# | $x_i$, $y_i$ | the $i$-th input (an image) and its label (a digit) |
# | $\theta$ | all weights of the network, frozen or not |
# | $p(y_i \mid x_i;\theta)$ | the probability that the network gives to the **label**: one number per image |
# | $\log$ | the natural logarithm, so that the loss is in *nats*; it is negative or zero here |
# | $-\sum_{i=1}^{n}$ | minus the sum over the $n$ **examples**, so the loss is positive or zero |
#
# The same probability appears twice: once in front of the logarithm, once inside. For one example,
# writing $p$ for that probability, the loss is $-p\log p$. Let us look at $p$ for 500 handwritten
# digits, before any training.

# %%
digits = datasets.load("mnist")
images, labels = digits.test.images[:500], digits.test.labels[:500]
network = trunks.add_head(trunks.build_trunk(), classes=10)
network.set_weights(trunks.fresh_weights(network, seed=0))
fresh_logits = network.predict(images, verbose=0)
fresh_probability = losses.probability_of_label(labels, fresh_logits).numpy()

# %%
exercises.predict(
    "02-fresh",
    study_results.probability_table(fresh_probability),
    probability=fresh_probability,
)

# %% [markdown]
# ## 2. One probability
#
# The article calls its formula a cross-entropy, but prints something else. It can be read in four
# ways:
#
# | reading | one example's loss | what changed |
# |---|---|---|
# | (a) as written | $-p\log p$ | nothing |
# | (b) cross-entropy | $-\log p$ | the $p$ in front is the *true* distribution: 1 for the label |
# | (c) entropy of the prediction | $-\sum_k p_k\log p_k$ | the sum is over *classes*, not examples |
# | (d) expected accuracy | $-\bar p\log p$ | the $p$ in front is held constant when differentiating (a *stop-gradient*), so the slope is that of $-p$ |
#
# The panel that you will see has all of them, and moves a single $p$ by gradient descent.

# %%
exercises.predict("02-from-one-tenth", panels.one_probability())

# %% [markdown]
# ## 3. Going deeper: the slope, checked in two ways
#
# Which way $p$ moves, and how fast, is a matter of the slope. Find it by hand first.

# %% [markdown]
# ### Exercise 1: The slope on the logit (medium, 10 minutes)
#
# A network does not move $p$ itself. It moves logits, and $p$ is their softmax: with $z$ for the
# label's own logit and the others held fixed, $p = e^z / (e^z + c)$. So what gradient descent feels
# is the slope of $-p\log p$ with respect to $z$. How hard does the formula push at $p = 0.1$, and
# how hard at $p = 0.9$?


# %% tags=["nbval-check-output"]
def slope_on_logit(probability):
    """Return the derivative of -p log p with respect to the label's logit z, where p is this."""
    ...  # your code


exercises.check("02-logit-slope", slope_on_logit)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The chain rule: the slope with respect to $p$, times the slope of $p$ with respect to $z$.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Differentiate the quotient $e^z / (e^z + c)$ and write the result with $p$ alone: it is $p$ times
# the probability of all other classes together.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def slope_on_logit(probability):
#     slope_on_probability = -(1 + np.log(probability))
#     return slope_on_probability * probability * (1 - probability)
# ```
#
# </details>

# %% [markdown]
# A derivative found by hand deserves a check. Here are two that do not depend on it: automatic
# differentiation, and moving $p$ a little to either side (*finite differences*).

# %%
points = tf.constant([0.01, 0.1, 1 / np.e, 0.5, 0.9], tf.float64)
with tf.GradientTape() as tape:
    tape.watch(points)
    values = losses.formula_as_written(points)
by_tape = tape.gradient(values, points)

step = 1e-6
above, below = losses.formula_as_written(points + step), losses.formula_as_written(points - step)
by_differences = (above - below) / (2 * step)

# %%
exercises.predict("02-push", study_results.slopes_table(points, by_tape, by_differences))

# %% [markdown]
# ## 4. Going deeper: cross-entropy of large logits
#
# Reading (b) is what networks are trained with. It needs the logarithm of a softmax, and the obvious
# code computes the softmax first.

# %%
exercises.predict("02-large-logits")

# %% [markdown]
# ### Exercise 2: Cross-entropy from logits (medium, 10 minutes)
#
# A softmax and then a logarithm fails as soon as a logit is large. Write a version that does not.


# %% tags=["nbval-check-output"]
def my_cross_entropy(labels, logits):
    """Return -log p of each label, shape (n,), for logits of any size, shape (n, classes).

    p is the softmax of the logits: exp(logit of the label) / sum of exp(logits of all classes).
    """
    ...  # your code


exercises.check("02-cross-entropy", my_cross_entropy)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# $-\log p = \log\sum_k e^{z_k} - z_y$: the logarithm of a quotient is a difference.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Softmax does not change when the same number is subtracted from all logits of a row. Subtract the
# largest: then no exponential is above 1, and one of them is 1, so their sum is never 0.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_cross_entropy(labels, logits):
#     shifted = logits - logits.max(axis=1, keepdims=True)
#     logarithm_of_sum = np.log(np.exp(shifted).sum(axis=1))
#     return logarithm_of_sum - shifted[np.arange(len(labels)), labels]
# ```
#
# </details>

# %% [markdown]
# ## 5. Going deeper: three classes
#
# All predictions for three classes form a triangle (a *simplex*): a corner is a certain prediction,
# the middle an even guess. In the panel that you will see, the colour is the loss; the arrows show
# where gradient descent **on the logits** moves a prediction. The dotted line is where the true class
# has $p = 1/e$.

# %%
exercises.predict("02-nearest-corner", panels.three_classes("entropy"))

# %% [markdown]
# ## 6. A real network
#
# So far each prediction moved on its own. In a network all images share the same weights. The next
# panel trains the workbook's network four times on the same thousand digits: same start, same
# batches, only the loss differs.

# %%
exercises.predict("02-mean", panels.real_network(), study_results.readings_table())

# %% [markdown]
# ## 7. Going deeper: from a network that knows the task
#
# A network with random weights has all images on the wrong side of 1/e. What if we begin on the right
# side?

# %%
exercises.predict("02-trained-start", study_results.starts_table())

# %% [markdown]
# ## 8. Information theory, in pictures
#
# To see what the formula was *meant* to say, we need real predictions that are neither all right nor
# all certain. We train a network with cross-entropy for two short passes over a thousand digits, and
# take its predictions for images it never saw. `losses.CrossEntropy` is reading (b) in the form that
# Keras's `compile` takes; the other readings have such classes, too.

# %%
keras.utils.set_random_seed(0)
chosen = datasets.choose(digits, labels_per_class=100, seed=0).labelled
learner = trunks.add_head(trunks.build_trunk(), classes=10)
learner.compile("adam", losses.CrossEntropy())
_ = learner.fit(digits.train.images[chosen], digits.train.labels[chosen], epochs=2, verbose=0)
logits = learner.predict(images, verbose=0)

# %% [markdown]
# **Surprise.** Learning that an event of probability $p$ happened is a surprise of $-\log p$ nats:
# none if it was certain, and the larger the rarer it was. **Entropy** is the expected surprise,
# averaged by the prediction's own probabilities: $H(p) = -\sum_k p_k\log p_k$, from 0 (certain) to
# $\log 10$ (even guess). It is how unsure the network *thinks* it is of its guess.

# %%
exercises.predict(
    "02-unsure", study_results.surprise_figure(labels, logits), labels=labels, logits=logits
)

# %% [markdown]
# **Cross-entropy** averages the surprises by the *truth* $q$ instead:
# $H(q, p) = -\sum_k q_k\log p_k$. If the truth is a label, $q$ is 1 there and 0 elsewhere, and only
# $-\log p$ of the label is left: reading (b). But the truth itself may be uncertain. Say that a tenth
# of it is spread evenly over all ten classes (*label smoothing*): then an image labelled 3 is really
# a 5 once in a hundred times, and so on.

# %%
exercises.predict(
    "02-perfect", study_results.divergence_figure(labels, logits), panels.one_prediction()
)

# %% [markdown]
# ### Exercise 3: Sure and wrong (easy, 5 minutes)
#
# The article calls its formula a cross-entropy; its form is that of an entropy. Where do the two
# disagree? Choose two predictions for an image of the *first* of three classes: one with an entropy
# below 0.3 nats and a cross-entropy above 3, and one that names the right class although its entropy
# is above 1.

# %% tags=["nbval-check-output"]
sure_and_wrong = [..., ..., ...]  # three probabilities
unsure_and_right = [..., ..., ...]

exercises.check("02-sure-and-wrong", (sure_and_wrong, unsure_and_right))

# %% [markdown]
# <details><summary>Hint</summary>
#
# The entropy looks at all three numbers and does not know which class is the true one; the
# cross-entropy looks at the first number only. Compute both as in the text above, and try.
#
# </details>
#
# <details><summary>Solution</summary>
#
# One of many:
#
# ```python
# sure_and_wrong = [0.02, 0.97, 0.01]
# unsure_and_right = [0.4, 0.3, 0.3]
# ```
#
# </details>

# %% [markdown]
# ## 9. What "maximise the information" means
#
# The article wants to "maximise the information of all tasks" and then minimises its formula, which
# measures nothing of the kind. What does is **mutual information**: how much knowing one thing tells
# you about another. For the predictions of a batch it has two halves:
#
# $$I = \underbrace{H\left(\text{mean of } p\right)}_{\text{spread over the classes}}
# \;-\; \underbrace{\text{mean of } H(p)}_{\text{doubt about each image}}$$
#
# It needs no labels. In the picture that you will see, the left half is the **joint distribution** of
# true and predicted class, for our network.

# %%
batches = {
    "trained": logits,
    "all 3": np.tile(np.where(np.arange(10) == 3, 50.0, 0.0), (500, 1)),
    "fresh": fresh_logits,
}
exercises.predict(
    "02-information", study_results.information_figure(labels, batches), batches=batches
)

# %% [markdown]
# So each part of the article's sentence has its place, just not in one formula: cross-entropy for
# images *with* a label, mutual information for those *without*. Lesson 05 trains with both.

# %% [markdown]
# ### Exercise 4: As informative as can be, and all wrong (medium, 10 minutes)
#
# Three images show the classes 0, 1 and 2. Choose their predictions, a row of three probabilities
# each, so that the information is at least 1 nat (the most there can be is $\log 3$), and yet not
# one of the three is right.

# %% tags=["nbval-check-output"]
predictions = [
    [..., ..., ...],  # the image of class 0
    [..., ..., ...],  # of class 1
    [..., ..., ...],  # of class 2
]
exercises.check("02-informed-and-wrong", predictions)

# %% [markdown]
# <details><summary>Hint</summary>
#
# What do the two halves ask for: of each row, and of the mean of the rows? Does either of them ask
# which image gets which class?
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# predictions = [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
# ```
#
# </details>

# %% [markdown]
# ## 10. Going deeper: noisy labels, where reading (d) may help
#
# People who label thousands of images make mistakes. Cross-entropy pushes hardest where $p$ is
# smallest, so a wrong label shouts loudest. Reading (d) has slope $-1$ everywhere and hardly moves
# what looks hopeless: it is known to tolerate label noise
# ([Ghosh et al., 2017](https://arxiv.org/abs/1712.09482)).

# %%
exercises.predict("02-noisy-labels", panels.noisy_labels(), study_results.noise_table())

# %% [markdown]
# ## Recap

# %%
exercises.score("02")

# %% [markdown]
# - As written, $-p\log p$ has slope $-(1+\log p)$: below 1/e it drives the true class **out**, and
#   with ten classes every image starts there.
# - In a network that means one class for all images; the mean of $p$ hides it, the median shows it.
# - What was meant is cross-entropy, $-\log p$: the factor in front is the truth, not the prediction.
# - Read as an entropy it knows no label; with the factor held constant it is the expected accuracy.
# - Entropy tells how unsure a prediction is, cross-entropy how wrong. Mutual information is spread
#   minus doubt, and needs both.
# - Check a derivative in two ways, and a claim over several seeds.
#
# ## Where next
#
# [Lesson 03, The SimMIM model](03_simmim_model.ipynb), builds the article's network and reads its code
# as closely as this one read its formula. Lesson 05 maximises the information of images without labels.
