# %% [markdown]
# # 02 The loss formula
#
# <!-- badge -->
#
# About 60 minutes, exercises included. Afterwards you will be able to
#
# - say what the article's formula says, term by term, and what it was meant to say,
# - derive a slope by hand and check it in two other ways,
# - predict what each of four readings does to a network, and why 1/e matters,
# - compute surprise, entropy, cross-entropy, divergence and mutual information of real predictions.
#
# You need to know what a probability, a logarithm and a gradient step are. Run all cells first
# (*Run > Run All Cells*, about a minute), then read from here.

# %% tags=["setup"]
# The builder writes the setup cell.

# %% tags=["imports"]
import keras
import numpy as np
import tensorflow as tf

from simmim_lib import datasets, exercises, losses, trunks
from simmim_lib.foundation.intervals import difference, mean_and_interval
from simmim_lib.lessons.loss_formula import information_figures, panels, training_by_loss
from simmim_lib.lessons.loss_formula.readings import READINGS
from simmim_lib.studies import stored

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
# | $\theta$ | all weights of the network |
# | $p(y_i \mid x_i;\theta)$ | the probability that the network gives to the **label**: one number per image |
# | $\log$ | the natural logarithm, so that the loss is in *nats*; it is negative or zero here |
# | $-\sum_{i=1}^{n}$ | minus the sum over the $n$ **examples**, so the loss is positive or zero |
#
# The same probability appears twice: once in front of the logarithm, once inside. For one example,
# writing $p$ for that probability, the loss is $-p\log p$.
#
# **Predict.** Ten classes, a network with random weights. About what is $p$ for a typical image?
#
# - (a) about one tenth
# - (b) about one half
# - (c) anything from 0 to 1

# %% tags=["nbval-check-output"]
digits = datasets.load("mnist")
images, labels = digits.test.images[:500], digits.test.labels[:500]
fresh = trunks.add_head(trunks.build_trunk(), classes=10)
fresh.set_weights(trunks.fresh_weights(fresh, seed=0))
fresh_logits = fresh.predict(images, verbose=0)
fresh_probability = losses.probability_of_label(labels, fresh_logits).numpy()
print(f"p of the label: {fresh_probability.mean():.2f} on average")
print("above 1/e in", np.sum(fresh_probability > 1 / np.e), "of", len(images), "images")

# %% [markdown]
# **Explain.** (a): a fresh network hardly favours any class. Keep the second line of the output in
# mind.
#
# ## 2. One probability
#
# **Predict.** Gradient descent moves $p$ to where the loss falls. Start at one tenth and minimise
# $-p\log p$. Where does $p$ go?
# - (a) to 1, as the article claims
# - (b) to 0
# - (c) it stays where it is

# %%
panels.one_probability()

# %% [markdown]
# **Explain.** (b). The curve $-p\log p$ is a hill with **two** feet: the loss is 0 at $p = 1$, and
# also at $p = 0$. Its top is at $1/e$, a little above one third. A ball to the left of the top rolls
# down to the left, and with ten classes every image starts on the left. That is the trap.
#
# Move the slider across 1/e and watch the arrow of (a) turn round. The other lines are other ways to
# read the formula; $\bar p$ means "this number is held constant in the derivative" (a
# *stop-gradient*):
#
# | reading | one example's loss | what changed | pushes $p$ |
# |---|---|---|---|
# | (a) as written | $-p\log p$ | nothing | away from 1/e, both ways |
# | (b) cross-entropy | $-\log p$ | the $p$ in front is the *true* distribution: 1 for the label | up, the harder the smaller $p$ |
# | (c) entropy of the prediction | $-\sum_k p_k\log p_k$ | the sum is over *classes*, not examples | the largest class up, whichever it is |
# | (d) expected accuracy | $-\bar p\log p$ | the $p$ in front is not differentiated | up, everywhere with slope $-1$ |
#
# In the panel the other nine classes share the rest evenly, so under (c) all ten classes look the
# same when $p$ is one tenth, and nothing moves.
#
# **Focal loss** is the mirror image of (a). Both multiply the surprise $-\log p$ by a weight: (a) by
# $p$, focal loss by $(1-p)^2$. So (a) listens to the examples that are already right and ignores the
# others; focal loss ([Lin et al., 2017](https://arxiv.org/abs/1708.02002)) ignores what is already
# right and listens to what is still wrong.

# %% [markdown]
# ## 3. The slope, in three ways
#
# By hand, with the product rule, $u = p$ and $v = \log p$:
#
# $$\frac{d}{dp}\left(-p\log p\right) = -\left(1\cdot\log p + p\cdot\frac1p\right) = -(1+\log p)$$
#
# It is zero where $\log p = -1$, so at $p = 1/e$. A derivative found by hand deserves a check. Here
# are two that do not depend on it: automatic differentiation, and moving $p$ a little to either side
# (*finite differences*).

# %% tags=["nbval-check-output"]
points = tf.constant([0.01, 0.1, 1 / np.e, 0.5, 0.99], tf.float64)
with tf.GradientTape() as tape:
    tape.watch(points)
    values = losses.formula_as_written(points)
by_tape = tape.gradient(values, points).numpy()

step = 1e-6
above, below = losses.formula_as_written(points + step), losses.formula_as_written(points - step)
by_differences = (above - below).numpy() / (2 * step)
by_hand = -(1 + np.log(points))
print("    p    by hand  by tape  by differences")
for row in zip(points.numpy(), by_hand, by_tape, by_differences, strict=True):
    print("{:.3f}  {:+9.4f}{:+9.4f}  {:+9.4f}".format(*(np.round(row, 4) + 0.0)))

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
# ### Exercise 2: Cross-entropy from logits (medium, 10 minutes)
#
# Reading (b) is what networks are trained with. The obvious code, a softmax and then a logarithm,
# fails as soon as a logit is large. Write a version that does not.


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
# ## 4. Three classes
#
# All predictions for three classes form a triangle (a *simplex*): a corner is a certain prediction,
# the middle an even guess. The colour is the loss; the arrows show where gradient descent **on the
# logits** moves a prediction. The dotted line is where the true class has $p = 1/e$.
#
# **Predict.** Choose reading (c), the entropy of the prediction. Which corner attracts the start?
#
# - (a) the true class
# - (b) the nearest one
# - (c) none: everything goes to the middle

# %%
panels.three_classes("entropy")

# %% [markdown]
# **Explain.** (b): entropy knows no label. It makes the network surer of what it already thinks,
# which is why (c) is known as **entropy minimisation**. Now choose *(a) as written*: a ridge runs
# parallel to one side, at 1/e. Below it the true class is driven out, and it does not matter which
# of the others gains. Under (b) and (d) all arrows lead to the true corner; compare how long they
# are near a *wrong* corner. Under (d) they nearly vanish there: with $p \approx 0$ a softmax hardly
# moves, so (d) gives up on what looks hopeless. Remember that when we come to noisy labels.

# %% [markdown]
# ## 5. A real network
#
# So far each prediction moved on its own. In a network all images share the same weights. The next
# panel trains the workbook's network four times on the same thousand digits: same start, same
# batches, only the loss differs.
#
# **Predict.** Fresh weights, the formula as written. Every image starts below 1/e, where the slope
# pushes $p$ of the true class down. Where does the **mean** of $p$ go?
#
# - (a) to 0
# - (b) it stays at about one tenth
# - (c) to 1

# %%
panels.real_network()

# %% tags=["nbval-check-output"]
readings = stored.load("four-readings")
fresh = training_by_loss.LossComparison(seeds=10)
(record,) = (each for each in readings.records if each.settings == fresh)
for row, name in enumerate(READINGS):
    measured = [record.values(key)[row] for key in ("median", "gone", "mean", "test")]
    numbers = "".join(f"  {mean_and_interval(values, digits=2)}" for values in measured)
    print(f"{READINGS[name].title:30}{numbers}")
print("                          p(true): median, share below 0.01, mean; then test accuracy")

# %% [markdown]
# **Explain.** (b), which surprises most people. Nine images in ten do end at $p = 0$: the median is
# zero in every seed. But one class wins, the network predicts it for *every* image, and for the
# images that happen to show it $p$ is 1. The mean stays where it was, at chance. The right-hand
# picture shows both ends: nothing is left in between. A mean can hide a catastrophe; look at the
# spread, too.
#
# Cross-entropy learns. Expected accuracy learns too, but less reliably: in some seeds it never
# learns one of the classes, because at $p\approx 0$ it hardly pushes. Entropy, which knows no label,
# picks one class for all images.
#
# **Predict.** Now begin with a network that knows the task: 400 steps of cross-entropy, after which
# nearly all images are *above* 1/e. Will it work to continue training with the formula as written?
#
# - (a) yes: above 1/e the slope has the right sign
# - (b) no: it falls apart
# - (c) it depends on the optimizer

# %% tags=["nbval-check-output"]
for record in readings.records:
    above = record.values("above")[0].mean()
    start, end = record.values("start"), record.values("end")
    change, control = (difference(end[row], start[row]) for row in (0, 1))
    begin = f"{record.settings.start}, {record.settings.optimizer}"
    print(f"{begin}: {above:.0%} of the images above 1/e at the start")
    print(f"    as written:    {change}")
    print(f"    cross-entropy: {control}")

# %% [markdown]
# **Explain.** (c), and that is our own finding, not the article's. Starting from the trained
# network, **plain gradient descent** keeps what was learned: the few images below 1/e pull the wrong
# way, the many above it pull the right way, and the many win. **Adam** divides each gradient by its
# usual size. Where nearly everything is right the useful gradients are tiny; Adam blows them up
# until a step is as large as ever, some images slip below 1/e, and from there the formula drives
# them out. The network pre-trained on *other* digits starts with half of the images above 1/e, and
# there the formula fails with either optimizer. So "above 1/e is safe" holds for a single free
# probability, but for a network only with great care. Choose these starts in the panel above and
# watch.

# %% [markdown]
# ## 6. Information theory in six pictures
#
# To see what the formula was *meant* to say, we need real predictions that are neither all right nor
# all certain. We train a network with cross-entropy for two short passes over a thousand digits, and
# take its predictions for images it never saw. `losses.CrossEntropy` is reading (b) in the form that
# Keras's `compile` takes; the other readings have such classes, too.
#
# **Surprise.** Learning that something of probability $p$ has happened is a surprise of $-\log p$
# nats: none if it was certain, and the larger the rarer it was. **Entropy** is the expected
# surprise, averaged by the prediction's own probabilities: $H(p) = -\sum_k p_k\log p_k$, from 0
# (certain) to $\log 10$ (even guess).
#
# **Predict.** Are the wrong guesses the ones with high entropy?
#
# - (a) yes, exactly those
# - (b) mostly, but some wrong guesses are quite sure
# - (c) entropy has nothing to do with it

# %%
keras.utils.set_random_seed(0)
chosen = datasets.choose(digits, labels_per_class=100, seed=0).labelled
learner = trunks.add_head(trunks.build_trunk(), classes=10)
learner.compile("adam", losses.CrossEntropy())
_ = learner.fit(digits.train.images[chosen], digits.train.labels[chosen], epochs=2, verbose=0)
logits = learner.predict(images, verbose=0)
right = logits.argmax(axis=1) == labels
information_figures.surprise_and_entropy(
    losses.probability_of_label(labels, logits).numpy(),
    losses.cross_entropy(labels, logits).numpy(),
    losses.prediction_entropy(logits).numpy(),
    right,
)

# %% [markdown]
# **Explain.** (b). Entropy is how unsure the network *thinks* it is of its guess, and it can be
# wrong about that, too.
#
# **Cross-entropy** averages the surprises by the *truth* $q$ instead:
# $H(q, p) = -\sum_k q_k\log p_k$. If the truth is a label, $q$ is 1 there and 0 elsewhere, and only
# $-\log p$ of the label is left: reading (b). If the truth itself is uncertain, part of the surprise
# cannot be avoided, namely its entropy; the rest is the **Kullback–Leibler divergence**, what the
# model adds by being wrong: $H(q, p) = H(q) + D(q \,\|\, p)$. Here a tenth of the truth is spread
# evenly over all classes (*label smoothing*).

# %%
smoothed = losses.cross_entropy(labels, logits, label_smoothing=0.1).numpy()
truth = np.full(10, 0.01) + 0.9 * np.eye(10)[0]
by_digit = np.array([smoothed[labels == digit].mean() for digit in range(10)])
information_figures.cross_entropy_and_divergence(
    by_digit, float(losses.entropy(truth)), digits.class_names
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
# ## 7. What "maximise the information" means
#
# The article wants to "maximise the information of all tasks" and then minimises its formula, which
# measures nothing of the kind. What does is **mutual information**: how much knowing one thing tells
# you about another. For the predictions of a batch it has two halves:
#
# $$I = \underbrace{H\left(\text{mean of } p\right)}_{\text{spread over the classes}}
# \;-\; \underbrace{\text{mean of } H(p)}_{\text{doubt about each image}}$$
#
# It needs no labels. The left picture below is the **joint distribution** of true and predicted
# class.
#
# **Predict.** Three batches of predictions: by our network; by a network that gives every image the
# same class, with certainty; by a fresh network. Which carry (nearly) no information?
#
# - (a) only the one that always says the same
# - (b) only the fresh one
# - (c) both

# %%
same_logits = np.tile(np.where(np.arange(10) == 3, 50.0, 0.0), (500, 1))
halves = {}
for name, batch in {"trained": logits, "all 3": same_logits, "fresh": fresh_logits}.items():
    doubt = float(np.mean(losses.prediction_entropy(batch)))
    halves[name] = (float(losses.mutual_information(batch)) + doubt, doubt)
joint = np.eye(10)[labels].T @ tf.nn.softmax(logits).numpy() / len(labels)
information_figures.joint_and_information(joint, digits.class_names, halves)

# %% [markdown]
# **Explain.** (c), for opposite reasons. The network that always says the same has no doubt, but no
# spread either: you learn nothing from an answer that you knew beforehand. The fresh one spreads
# evenly, but it is as unsure about each image as about all of them together. **Both halves are
# needed.** Minimise only the doubt (reading (c)), and one class for all is a perfect answer: you saw
# it happen in section 5.
#
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
# ## 8. Noisy labels: where reading (d) may help
#
# People who label thousands of images make mistakes. Cross-entropy pushes hardest where $p$ is
# smallest, so a wrong label shouts loudest. Reading (d) has slope $-1$ everywhere and hardly moves
# what looks hopeless: it is known to tolerate label noise
# ([Ghosh et al., 2017](https://arxiv.org/abs/1712.09482)).
#
# **Predict.** Two labels in five are wrong. Which ends up higher, on correctly labelled images?
#
# - (a) cross-entropy
# - (b) expected accuracy
# - (c) it depends on when you stop

# %%
panels.noisy_labels()

# %% tags=["nbval-check-output"]
print("expected accuracy against cross-entropy, test accuracy, 10 seeds")
for record in stored.load("noisy-labels").records:
    test, stopped = record.values("test"), record.values("stopped")
    last, best = difference(test[1], test[0]), difference(stopped[1], stopped[0])
    print(f"{record.settings.flipped:.0%} wrong  after the last step: {last}")
    print(f"          at the best step:    {best}")

# %% [markdown]
# **Explain.** (c). If training goes on, cross-entropy memorises the wrong labels and its test
# accuracy falls; expected accuracy does not suffer from this, and where three labels in five are
# wrong it ends up clearly higher. But *stopped at its best step* (**early stopping**), cross-entropy
# is ahead for every share of wrong labels, and without wrong labels it is ahead anyway: in some
# seeds expected accuracy never learns one or two of the classes. So the tolerance is real, but it is
# paid for with a slow and uncertain start. A few correctly labelled validation images, to know when
# to stop, are worth more here.

# %% [markdown]
# ## Recap
#
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
