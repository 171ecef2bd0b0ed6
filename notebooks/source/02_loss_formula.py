# %% [markdown]
# # 02 The loss formula
#
# <!-- badge -->
#
# About 60 minutes, exercises included. Afterwards you will be able to
#
# - say what the article's formula says, term by term, and what it was meant to say,
# - find a slope by hand and check it in two other ways,
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
from simmim_lib.lessons.loss_formula import information_figures, panels, studies, training_by_loss
from simmim_lib.lessons.loss_formula.readings import READINGS

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
# | $p(y_i \mid x_i;\theta)$ | the probability that the network gives to the **label**: one number an image |
# | $\log$ | the natural logarithm, so that the loss is in *nats*; it is negative or zero here |
# | $-\sum_{i=1}^{n}$ | minus the sum over the $n$ **examples**, so the loss is positive or zero |
#
# The same probability stands twice: once in front of the logarithm, once inside. For one example, with
# $p$ for that probability, the loss is $-p\log p$.
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
# **Explain.** (a): a fresh network favours no class by much. Keep the second line in mind.
#
# ## 2. One probability
#
# **Predict.** Gradient descent moves $p$ to where the loss falls. Start at one tenth and minimise
# $-p\log p$. Where does $p$ go?
#
# - (a) to 1, as the article says
# - (b) to 0
# - (c) it stays where it is

# %%
panels.one_probability()

# %% [markdown]
# **Explain.** (b). The curve $-p\log p$ is a hill with **two** feet: the loss is 0 at $p = 1$, and just
# as well at $p = 0$. Its top is at $1/e$, a little above one third. Whoever stands on the left of it
# rolls down to the left. With ten classes, every image starts on the left. That is the trap.
#
# Move the slider across 1/e and watch the arrow of (a) turn. The other lines are other ways to read the
# formula; $\bar p$ means "this number is held constant while deriving":
#
# | reading | one example's loss | what changed | pushes $p$ |
# |---|---|---|---|
# | (a) as written | $-p\log p$ | nothing | away from 1/e, both ways |
# | (b) cross-entropy | $-\log p$ | the $p$ in front is the *true* distribution: 1 for the label | up, the harder the smaller $p$ |
# | (c) entropy of the prediction | $-\sum_k p_k\log p_k$ | the sum is over *classes*, not examples | the largest class up, whichever it is |
# | (d) expected accuracy | $-\bar p\log p$ | the $p$ in front does not take part in the slope | up, everywhere with slope $-1$ |
#
# In the panel the other nine classes share the rest evenly, so under (c) nothing tells one class
# from another at one tenth, and nothing moves.
#
# **Focal loss** is the mirror image of (a). Both multiply the surprise $-\log p$ by a weight: (a) by $p$,
# focal loss by $(1-p)^2$. So (a) listens to examples that are right already and ignores the others;
# focal loss ([Lin et al., 2017](https://arxiv.org/abs/1708.02002)) ignores what is right already and
# listens to what is still wrong.

# %% [markdown]
# ## 3. The slope, in three ways
#
# By hand, with the product rule, $u = p$ and $v = \log p$:
#
# $$\frac{d}{dp}\left(-p\log p\right) = -\left(1\cdot\log p + p\cdot\frac1p\right) = -(1+\log p)$$
#
# It is zero where $\log p = -1$, so at $p = 1/e$. A derivation by hand deserves a check. Two that do not
# depend on it: automatic differentiation, and moving $p$ a little to either side (*finite differences*).

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
# ### Exercise 1: The slope of the formula (easy, 5 minutes)


# %% tags=["nbval-check-output"]
def slope(probability):
    """Return the derivative of -p log p in p, where `probability` is p and log is natural."""
    ...  # your code


exercises.check("02-derivative", slope)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# It is a product, so use the product rule: $(u\,v)' = u'\,v + u\,v'$ with $u = p$ and $v = \log p$.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# $u' = 1$ and $v' = 1/p$. Do not forget the minus in front.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def slope(probability):
#     return -(1 + np.log(probability))
# ```
#
# </details>

# %% [markdown]
# ### Exercise 2: Cross-entropy from logits (medium, 10 minutes)
#
# Reading (b) is what networks are trained by. The obvious code, a softmax and then a logarithm, fails as
# soon as a logit is large. Write one that does not.


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
# All predictions for three classes form a triangle: a corner is a certain prediction, the middle an even
# guess. The colour is the loss; the arrows show where gradient descent **on the logits** moves a
# prediction. The dotted line is where the true class has $p = 1/e$.
#
# **Predict.** Choose reading (c), the entropy of the prediction. Which corner attracts the start?
#
# - (a) the true class
# - (b) the nearest one
# - (c) none: everything goes to the middle

# %%
panels.three_classes("entropy")

# %% [markdown]
# **Explain.** (b): entropy knows no label. It makes the network surer of what it thinks already. Now
# choose *(a) as written*: a ridge runs parallel to one side, at 1/e. Below it the true class is
# driven out, and it does not matter which of the others gains. Under (b) and (d) all arrows lead to the
# true corner; look how long they are near a *wrong* corner. Under (d) they nearly vanish there: with
# $p \approx 0$ a softmax hardly moves, so (d) gives up on what looks hopeless. Remember that for noisy
# labels.

# %% [markdown]
# ## 5. A real network
#
# So far each prediction moved on its own. In a network all images share the weights. The next panel
# trains the workbook's network four times on the same thousand digits: same start, same batches, only
# the loss differs.
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
readings = studies.study("four-readings")
fresh_start = readings[training_by_loss.Plan(seeds=10)]
for row, name in enumerate(READINGS):
    measured = [fresh_start[key][row] for key in ("median", "gone", "mean", "test")]
    numbers = "".join(f"  {mean_and_interval(values, digits=2)}" for values in measured)
    print(f"{READINGS[name].title:30}{numbers}")
print("                          p(true): median, share below 0.01, mean; then test accuracy")

# %% [markdown]
# **Explain.** (b), and that surprises most people. Nine images in ten do end at $p = 0$: the median is
# zero in every seed. But one class wins, the network gives it to *every* image, and for the images that
# happen to show it $p$ is 1. The mean stays where it was, at chance. The right-hand picture shows both
# ends: nothing stays between. A mean can hide a catastrophe; look at the spread, too.
#
# Cross-entropy learns. Expected accuracy learns as well, but less surely: in some seeds it never finds a
# class, because at $p\approx 0$ it hardly pushes. Entropy, which knows no label, picks one class for all.
#
# **Predict.** Now begin with a network that knows the task: 400 steps of cross-entropy, after which
# nearly all images are *above* 1/e. Will training it on by the formula as written work?
#
# - (a) yes: above 1/e the slope has the right sign
# - (b) no: it falls apart
# - (c) it depends on the optimizer

# %% tags=["nbval-check-output"]
for plan, measured in readings.items():
    above = measured["above"][0].mean()
    change = difference(measured["end"][0], measured["start"][0])
    control = difference(measured["end"][1], measured["start"][1])
    print(f"{plan.start}, {plan.optimizer}: {above:.0%} of the images above 1/e at the start")
    print(f"    as written:    {change}")
    print(f"    cross-entropy: {control}")

# %% [markdown]
# **Explain.** (c), and that is our own finding, not the article's. From the trained network **plain
# gradient descent** holds what was there: the few images below 1/e pull the wrong way, the many above
# it pull the right way, and the many win. **Adam** divides each gradient by its usual size. Where
# nearly all is right the useful gradients are tiny; Adam blows them up until a step is as large as ever,
# some images slip below 1/e, and from there the formula drives them out. The network pre-trained on
# *other* digits starts with half of the images above 1/e, and there the formula fails with either
# optimizer. So "above 1/e is safe" is true of one free probability, and of a network only with
# great care. Choose these starts in the panel above and watch.

# %% [markdown]
# ## 6. Information theory in six pictures
#
# To see what the formula was *meant* to say, we need real predictions that are neither all right nor all
# certain. We take those of a network after two short passes of cross-entropy over a thousand
# digits, for images it never saw. `losses.CrossEntropy` is reading (b) in the form that Keras's
# `compile` takes; the other readings have such classes, too.
#
# **Surprise.** Being told something of probability $p$ is a surprise of $-\log p$ nats: none if it was
# certain, more the rarer it was. **Entropy** is the surprise to be expected, on average over what the
# prediction itself says: $H(p) = -\sum_k p_k\log p_k$, from 0 (certain) to $\log 10$ (even guess).
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
# **Explain.** (b). Entropy is what the network *thinks* of its guess, and it can be wrong about that, too.
#
# **Cross-entropy** weighs the surprises by the *truth* $q$ instead: $H(q, p) = -\sum_k q_k\log p_k$. With
# a label for truth, $q$ is 1 there and 0 elsewhere, and $-\log p$ of the label is left: reading (b). If
# the truth itself is uncertain, a part of the surprise cannot be avoided, namely its entropy; the rest
# is the **Kullback–Leibler divergence**, what the model adds by being wrong:
# $H(q, p) = H(q) + D(q \,\|\, p)$. Here one label in ten is taken to be any class (*label smoothing*).

# %%
smoothed = losses.cross_entropy(labels, logits, label_smoothing=0.1).numpy()
truth = np.full(10, 0.01) + 0.9 * np.eye(10)[0]
by_digit = np.array([smoothed[labels == digit].mean() for digit in range(10)])
information_figures.cross_entropy_and_divergence(
    by_digit, float(losses.entropy(truth)), digits.class_names
)

# %% [markdown]
# ### Exercise 3: Entropy against cross-entropy (easy, 10 minutes)
#
# The article calls its formula a cross-entropy; it has the form of an entropy. Write both.


# %% tags=["nbval-check-output"]
def entropy_and_cross_entropy(truth, prediction):
    """Return the entropy of the prediction, and the cross-entropy of truth and prediction.

    Both arguments are distributions over classes, shape (classes,); the prediction has no zeros.
    """
    ...  # your code


exercises.check("02-entropy", entropy_and_cross_entropy)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Both are minus a sum over classes of a factor times a logarithm. The logarithm is that of the
# prediction in both.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# In the entropy the factor is the prediction, in the cross-entropy the truth.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def entropy_and_cross_entropy(truth, prediction):
#     entropy = -(prediction * np.log(prediction)).sum()
#     cross_entropy = -(truth * np.log(prediction)).sum()
#     return entropy, cross_entropy
# ```
#
# </details>

# %% [markdown]
# ## 7. What "maximise the information" means
#
# The article wants to "maximise the information of all tasks" and then minimises its formula, which
# measures no such thing. What does is **mutual information**: how much knowing one thing tells about
# another. For the predictions of a batch it has two halves:
#
# $$I = \underbrace{H\left(\text{mean of } p\right)}_{\text{spread over the classes}}
# \;-\; \underbrace{\text{mean of } H(p)}_{\text{doubt about each image}}$$
#
# It needs no label. The left picture below is the **joint distribution** of true and predicted class.
#
# **Predict.** Three batches of predictions: of our network; of a network that gives every image the same
# class, with certainty; of a fresh network. Which have (nearly) no information?
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
# **Explain.** (c), for opposite reasons. The network that always says the same has no doubt, but no spread
# either: you learn nothing from an answer that you knew before. The fresh one spreads evenly, but doubts
# each image as much as all of them. **Both halves are needed.** Minimise only the doubt (reading (c)), and
# one class for all is a perfect answer: you saw it happen in section 5.
#
# So each part of the article's sentence has its place, only not in one formula: cross-entropy for images
# *with* a label, mutual information for those *without*. Lesson 05 trains with both.

# %% [markdown]
# ### Exercise 4: The information of a batch (medium, 10 minutes)


# %% tags=["nbval-check-output"]
def information(probabilities):
    """Return H(mean p) - mean H(p) in nats, for predictions of shape (n, classes).

    Some predictions are certain: 0 log 0 counts as 0.
    """
    ...  # your code


exercises.check("02-mutual-information", information)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The mean prediction is the mean over the examples: `probabilities.mean(axis=0)`.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `scipy.special.entr(p)` is $-p \log p$ with $0 \log 0 = 0$, number by number.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# from scipy.special import entr
#
#
# def information(probabilities):
#     spread = entr(probabilities.mean(axis=0)).sum()
#     doubt = entr(probabilities).sum(axis=1).mean()
#     return spread - doubt
# ```
#
# </details>

# %% [markdown]
# ## 8. Noisy labels: where reading (d) may help
#
# People who label thousands of images make mistakes. Cross-entropy pushes hardest where $p$ is smallest,
# so a wrong label shouts. Reading (d) has slope $-1$ everywhere and hardly moves what looks hopeless: it
# is known to tolerate noise ([Ghosh et al., 2017](https://arxiv.org/abs/1712.09482)).
#
# **Predict.** Two labels in five are wrong. Which ends higher, on correctly labelled images?
#
# - (a) cross-entropy
# - (b) expected accuracy
# - (c) it depends on when you stop

# %%
panels.noisy_labels()

# %% tags=["nbval-check-output"]
print("expected accuracy against cross-entropy, test accuracy, 10 seeds")
for plan, measured in studies.study("noisy-labels").items():
    last = difference(measured["test"][1], measured["test"][0])
    best = difference(measured["stopped"][1], measured["stopped"][0])
    print(f"{plan.flipped:.0%} wrong  after the last step: {last}")
    print(f"          at the best step:    {best}")

# %% [markdown]
# **Explain.** (c). Trained on, cross-entropy learns the wrong labels by heart and its accuracy falls; that
# of expected accuracy does not, and where three labels in five are wrong it ends clearly higher. But
# *stopped at its best step*, cross-entropy is ahead for every share of wrong labels, and without wrong
# labels it is ahead anyway: in some seeds expected accuracy never finds one or two of the classes. So
# the tolerance is real, and its price is a slow and uncertain start. A few correctly labelled
# validation images, to know when to stop, are worth more here.

# %% [markdown]
# ## Recap
#
# - As written, $-p\log p$ has slope $-(1+\log p)$: below 1/e it drives the true class **out**, and with
#   ten classes every image starts there.
# - In a network that means one class for all images; the mean of $p$ hides it, the median shows it.
# - Meant was cross-entropy, $-\log p$: the factor in front is the truth, not the prediction.
# - Read as entropy it knows no label; with the factor held constant it is the expected accuracy.
# - Entropy asks how sure, cross-entropy how wrong. Mutual information is spread minus doubt, and needs
#   both.
# - Check a derivative in two ways, and a claim over several seeds.
#
# ## Where next
#
# Lesson 03 builds the article's network and reads its code as closely as this one read its formula.
# Lesson 05 maximises the information of images without labels.
