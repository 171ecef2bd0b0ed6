# %% [markdown]
# # 05 Information maximisation
#
# <!-- badge -->
#
# About 45 minutes, exercises included. Afterwards you will be able to
#
# - say what images without labels can teach a network, and write the term that does it,
# - say why it has two halves, and recognise the collapse when one of them is missing,
# - take the recipe apart: information, consistency between two views of an image, a threshold, a
#   ramp,
# - judge when to trust it: what it gains, where it gains nothing, and how it fails.
#
# You need the entropy of lesson 02 and the joint loss of lesson 03. Run all cells first
# (*Run > Run All Cells*, two or three minutes), then read from here.

# %% tags=["setup"]
# The builder writes the setup cell.

# %% tags=["imports"]
import numpy as np
import scipy.special
import scipy.stats
from IPython.display import Markdown

import simmim_lib
from simmim_lib import (
    augmentation,
    calibration,
    collapse,
    datasets,
    exercises,
    experiments,
    information,
    losses,
    training,
)
from simmim_lib.foundation.intervals import difference, mean_and_interval
from simmim_lib.lessons.information_maximisation import explanations, figures, panels, studies
from simmim_lib.pictures import charts
from simmim_lib.settings import INFORMED
from simmim_lib.studies.stored import load

# %% [markdown]
# ## 1. Ten labels, thousands of images
#
# Images are cheap and labels are not: somebody has to look. Suppose somebody has looked at **ten**
# handwritten digits, one of each, and all the others have no label. Learning from both kinds is
# **semi-supervised learning**.

# %% tags=["nbval-check-output"]
few = datasets.few_shot("mnist", labels_per_class=1, seed=0)
print(f"images with a label: {len(few.labelled)}, without: {len(few.unlabelled)}")
print(f"kept for validation: {len(few.validation)}, for the test: {len(few.test)}")

# %%
shown = np.concatenate([few.labelled.images, few.unlabelled.images[:20]])
captions = [str(label) for label in few.labelled.labels] + ["?"] * 20
charts.image_grid(shown, captions, "Ten digits with a label above twenty digits without.")

# %% [markdown]
# **Predict.** What can an image without a label teach a network that should tell digits apart?
# - (a) nothing: nobody says what the right answer is
# - (b) that it shows *one* digit, not half of two, and that all ten digits occur
# - (c) which digit it shows, if the network looks often enough

# %% [markdown]
# **Explain.** (b). We do not know the answer for any single image, but we know something about the
# answers for *many* of them. Each should be confident: a digit is a 3 or an 8. And together they
# should be spread over the classes: not everything is a 3. That is not much, but thousands of images
# say it.
#
# Three networks look at the same two images and say how probable it is that each shows a cat or a
# dog:
#
# | | first image (cat, dog) | second image (cat, dog) |
# |---|---|---|
# | sure and spread | (1, 0) | (0, 1) |
# | unsure | (½, ½) | (½, ½) |
# | all one class | (1, 0) | (1, 0) |
#
# **By hand**, with lesson 02's entropy $H(p) = -\sum_k p_k \log p_k$, in nats. It is 0 for a certain
# prediction and $\log 2 \approx 0.69$ for an even guess between two.
#
# | | mean of $p$ | its entropy | mean entropy | difference |
# |---|---|---|---|---|
# | sure and spread | (½, ½) | $0.69$ | $0$ | $0.69$ |
# | unsure | (½, ½) | $0.69$ | $0.69$ | $0$ |
# | all one class | (1, 0) | $0$ | $0$ | $0$ |
#
# The difference is the **mutual information** between the image and its predicted class. If the
# network always says cat, or always shrugs, then its answer says nothing about which image it was
# shown.
#
# $$I = \underbrace{H\left(\text{mean of } p\right)}_{\text{spread}}
# \;-\; \underbrace{\text{mean of } H(p)}_{\text{doubt}}$$
#
# Let us check the table with SciPy's entropy and with the workbook's own function, which takes
# logits. (The first function below only formats rows as a table.)


# %% tags=["nbval-check-output"]
def table(heading, *rows):
    lines = [heading, ["---"] * len(heading), *rows]
    return Markdown("\n".join(f"| {' | '.join(map(str, line))} |" for line in lines))


batches = {
    "sure and spread": np.array([[1.0, 0.0], [0.0, 1.0]]),
    "unsure": np.array([[0.5, 0.5], [0.5, 0.5]]),
    "all one class": np.array([[1.0, 0.0], [1.0, 0.0]]),
}
rows = []
for name, batch in batches.items():
    spread, doubt = scipy.stats.entropy(batch.mean(axis=0)), scipy.stats.entropy(batch, axis=1)
    by_loss = float(losses.mutual_information(np.log(batch + 1e-12)))
    gained = spread - doubt.mean()
    rows.append([name, *(f"{x + 0.0:.4f}" for x in (spread, doubt.mean(), gained, by_loss))])
table(("", "spread", "doubt", "information", "by the loss"), *rows)

# %% [markdown]
# ### Exercise 1: Write the term (medium, 10 minutes)
#
# Training will maximise the information. So that we can see what each half does, the first one gets
# its own weight, $s$ for *spread*: the term is $s\,H(\text{mean of } p) - \text{mean of } H(p)$.
# Write it in NumPy or TensorFlow, as you like.


# %% tags=["nbval-check-output"]
def information_term(logits, spread):
    """Return spread * H(mean p) - mean H(p), one number in nats.

    `logits` has shape (n, classes), a row for each image; p is the softmax of each row.
    """
    ...  # your code


exercises.check("05-information-term", information_term)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Three steps: the softmax of each row, the mean prediction (over the images, `axis=0`), the two
# entropies.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `scipy.special.softmax(logits, axis=1)` does not overflow, and `scipy.special.entr(p)` is
# $-p\log p$ with $0\log 0 = 0$.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def information_term(logits, spread):
#     probabilities = scipy.special.softmax(logits, axis=1)
#     even = scipy.special.entr(probabilities.mean(axis=0)).sum()
#     doubt = scipy.special.entr(probabilities).sum(axis=1).mean()
#     return spread * even - doubt
# ```
#
# </details>

# %% [markdown]
# ## 2. Why both halves
#
# The **objective**, for tasks $t$ with weights $w_t$, labelled images $B_t$ and unlabelled images
# $U_t$:
#
# $$L = \sum_t w_t \Big[ \underbrace{\frac{1}{|B_t|}\sum_{(x,y)\in B_t} -\log p_t(y \mid x)}
# _{\text{cross-entropy, with labels}} \;-\; \lambda\,
# \underbrace{I_t(U_t)}_{\text{information, without}} \Big]$$
#
# Both parts are about the same thing. Lesson 03's cross-entropy gives a lower bound on what the
# image tells about its **label**; $I_t$ is what the image tells about its **predicted class**, no
# label needed. With this term the model earns its name. `Settings(information=...)` is $\lambda$,
# and `Settings(spread=...)` the weight $s$ of the first half.
#
# **Predict.** Leave out the spreading half, $s = 0$, and ask only for a confident prediction for
# each unlabelled image: plain **entropy minimisation**. The one label per class keeps its
# cross-entropy. What happens?
#
# - (a) the same as with both: the labelled images keep the classes apart
# - (b) many images end up in a few classes, in the extreme case all in one
# - (c) all predictions become unsure

# %%
panels.two_halves()

# %% [markdown]
# **Explain.** (b). To be sure is easiest for whoever always says the same. Nothing in the doubt term
# forbids that, and ten labelled images are a weak voice against thousands. This is a **collapse**.
# The spreading half forbids it: if all images are in one class, $H(\text{mean of } p)$ is zero, as
# small as it gets. Spread alone will not do either: an even guess for each image spreads perfectly.
# In the panel set $s$ to 0 and to 1, and watch where the points go.

# %% [markdown]
# Let us count classes. With $H$ for the entropy of the shares that the classes get, $e^H$ is 10 if
# all ten get equally many images, and 2 if two classes share them equally (the *effective number* of
# classes). "Collapsed" means from here on: the predictions for the test images use **fewer than five
# classes**.

# %% [markdown]
# A collapse should be noticed before anybody uses the network, and without labels, because there are
# none. After training, the **collapse alarm** takes the predictions for images that were set aside,
# computes the entropy of their mean, and rings if $e^H$ is less than half of what is expected. It also
# rings if hardly any image is put in another class than the most predicted one, however unsure the
# predictions are. Is it right? What really happened is counted on the test images, which the alarm does
# not see.


# %% tags=["nbval-check-output"]
def percent(values):
    return mean_and_interval(100 * values, digits=1)


study = load("collapse")
alarms, rows, missed, false = {}, [], 0, 0
for strength, spread in [(0.3, 0.0), (0.3, 1.0), (1.0, 0.0), (1.0, 1.0), (3.0, 0.0), (3.0, 1.0)]:
    measures = ("accuracy", "classes in use", "largest share", "entropy")
    accuracy, classes, *seen = (
        study.values(name, information=strength, spread=spread) for name in measures
    )
    name = f"λ = {strength:g}, s = {spread:g}"
    alarms[name] = collapse.Diagnosis(*seen, np.log(10))
    collapsed, rings = classes < 5, alarms[name].collapsed
    rows.append([name, percent(accuracy), collapsed.sum(), rings.sum()])
    missed, false = missed + np.sum(collapsed & ~rings), false + np.sum(rings & ~collapsed)
table(("", "accuracy (%)", "collapsed, of 10 seeds", "the alarm rings"), *rows)

# %% tags=["nbval-check-output"]
print(f"collapses without an alarm: {missed}, alarms without a collapse: {false}, of 60 trainings")

# %%
figures.collapse(alarms, f"What the alarm sees, 10 seeds (budget {study.budget})")

# %% [markdown]
# The alarm's rule is coarse on purpose: it should not ring for a class or two that are merely rare,
# so a network that gives up three classes escapes it. `simmim_lib.run` warns in words, and
# `result.diagnostics` keeps them:

# %% tags=["nbval-check-output"]
print(*(f"{name}: {alarm}" for name, alarm in list(alarms.items())[:2]), sep="\n")

# %% [markdown]
# ### Exercise 2: Does the alarm ring? (medium, 10 minutes)
#
# Six networks look at the unlabelled images of ten classes. Apart from (c) they are sure of every
# single answer. In (f), `class_prior` says that half of the images show the first class and the other
# nine share the rest; in all others, all classes are expected equally often. The check asks the
# alarm itself.

# %% tags=["nbval-check-output"]
rings = {  # True or False
    "a": ...,  # all images are put in one class
    "b": ...,  # three classes are never predicted, the other seven equally often
    "c": ...,  # each image: 0.11 for the first class, just less for each of the others
    "d": ...,  # four classes are predicted equally often, the others never
    "e": ...,  # half of the images are put in the first class, the others are spread over nine
    "f": ...,  # the same as (e), but that is what `class_prior` says
}
exercises.check("05-alarm", rings)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The alarm has two rules, and the first compares with what is *expected*. For (e), the entropy of
# one half and nine times one eighteenth is about 1.8.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# rings = {"a": True, "b": False, "c": True, "d": True, "e": False, "f": False}
# ```
#
# </details>

# %% [markdown]
# ### Exercise 3: Find the sign error (medium, 5 minutes)
#
# Signs go wrong here more often than anything else. Somebody wrote the term as a *loss*, to be
# minimised:
#
# ```python
# def loss_of_unlabelled(logits):
#     p = scipy.special.softmax(logits, axis=1)           # line 1
#     doubt = -(p * np.log(p)).sum(axis=1).mean()         # line 2
#     mean_p = p.mean(axis=0)                             # line 3
#     entropy_of_mean = (mean_p * np.log(mean_p)).sum()   # line 4
#     return doubt - entropy_of_mean                      # line 5
# ```
#
# It runs, and the loss falls. What will the network do? Rewrite it without the mistake.


# %% tags=["nbval-check-output"]
def corrected(logits):
    """Return the loss, one number in nats, for logits of shape (n, classes)."""
    ...  # your code


exercises.check("05-sign-error", corrected)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Try it on the three batches of section 1. For which one should the loss be smallest?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# An entropy is never negative. Is line 4?
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def corrected(logits):
#     p = scipy.special.softmax(logits, axis=1)
#     doubt = -(p * np.log(p)).sum(axis=1).mean()
#     mean_p = p.mean(axis=0)
#     entropy_of_mean = -(mean_p * np.log(mean_p)).sum()  # the minus was missing
#     return doubt - entropy_of_mean
# ```
#
# </details>

# %% [markdown]
# ## 3. Where the idea comes from
#
# - [Bridle, Heading and MacKay 1991](https://papers.neurips.cc/paper_files/paper/1991/hash/a8abb4bb284b5b27aa7cb790dc20f80b-Abstract.html)
#   train a classifier without any label by maximising $I$: be firm about each input, be fair to the
#   classes. They warn that the resulting classes need not be useful. *We take the term.*
# - **RIM** ([Krause, Perona and Gomes 2010](https://papers.neurips.cc/paper_files/paper/2010/hash/42998cf32d552343bc8e460416382dca-Abstract.html))
#   adds a penalty on complex classifiers, a prior over the classes in place of equal shares, and a
#   few labels. *We take the labels and the prior* (`class_prior`).
# - **IMSAT** ([Hu et al. 2017](https://arxiv.org/abs/1702.08720)) does it with deep networks, and
#   asks for the same prediction when an image is changed a little (**consistency regularisation**).
#   *We take the changed images.*
# - **SHOT** ([Liang et al. 2020](https://arxiv.org/abs/2002.08546)) starts from a network that was
#   trained on another collection, keeps its head and adapts the rest with $I$, without a single
#   target label (**unsupervised domain adaptation**). *We take the starting point; in ours the head
#   continues to be trained, too.*
# - **FixMatch** ([Sohn et al. 2020](https://arxiv.org/abs/2001.07685)) takes a confident prediction
#   for a slightly changed image as the label, a **pseudo-label**, of the same image strongly
#   changed. *We take the two views and the threshold; our pseudo-label is soft: the whole prediction
#   instead of its largest class.*
#
# ## 4. Two views of one image
#
# A 3 that is rotated a little is still a 3. So an image without a label can be its own teacher: the
# network looks at a **weakly** changed view and at a **strongly** changed one, and the second
# prediction should agree with the first. We call this consistency term **agreement**, as `Settings`
# does.

# %%
images = few.unlabelled.images[:8]
_, *strengths = information.STRENGTHS
views = augmentation.AffineViews()
weak, strong = (
    views.apply(images, views.draw(np.full(8, strength, np.float32), (0, 3), images.shape[1:]))
    for strength in strengths
)
figures.views(images, weak.numpy(), strong.numpy())

# %% [markdown]
# $$A(U) = \frac{1}{|U|}\sum_{x \in U} \big[\max_k p_k(x_\text{weak}) > c\big]\;
# H\big(p(x_\text{weak}),\, p(x_\text{strong})\big)$$
#
# is the cross-entropy of the strong view with the weak view's prediction as its truth, which is held
# constant: the strong view learns from the weak one, not the other way round. It is added to the
# loss, multiplied by `Settings(agreement=...)`. The bracket is 1 if the confidence of the weak
# prediction, its largest probability, is above the **threshold** $c$ (`Settings(confidence=...)`),
# else 0.
#
# **Predict.** Why the threshold? Take the network that knows glyphs and has not seen a single
# handwritten digit. Are its confident predictions right more often than the others?
#
# - (a) no: it has never seen handwriting, so its confidence means nothing
# - (b) yes, a bit
# - (c) yes, by far


# %%
unseen = simmim_lib.Settings(labels_per_class=0, seeds=1, **INFORMED)
tasks = experiments.choose_tasks(unseen)
network = experiments.transfer(unseen, tasks, experiments.initialise(unseen))
logits = training.predict(network.model, network.weights, few.test.images, "mnist")[0]
sure = scipy.special.softmax(logits, axis=1).max(axis=1) > unseen.confidence
correct = logits.argmax(axis=1) == few.test.labels
for name, chosen in {"surer than": sure, "not surer than": ~sure}.items():
    print(f"{name} {unseen.confidence}: {chosen.mean():.0%} of the test images,", end=" ")
    print(f"{correct[chosen].mean():.0%} of these are right")

# %%
explanations.threshold(correct, sure)

# %% [markdown]
# Two more things belong to the recipe:
#
# - the **ramp**: with a fresh head the first predictions mean nothing, and becoming sure of them too
#   early is how mistakes become permanent. So both terms grow from nothing to their full weight over
#   a share of the steps (`ramp`).
# - **data augmentation** of the labelled images: they are rotated and stretched as well, or the
#   network would memorise the ten images in no time.

# %% tags=["nbval-check-output"]
recipe = simmim_lib.Settings(**INFORMED)
names = ("information", "spread", "agreement", "confidence", "ramp", "augmentation")
table(names, [getattr(recipe, name) for name in names])

# %% [markdown]
# ## 5. What it brings
#
# The recipe's numbers were chosen by looking at **MNIST's validation images**, and at nothing else.
# MNIST's test images played no part in it, and **UCI digits and Fashion** none at all: the recipe
# was not adjusted to them. That matters, because whoever tunes on the very data they report on will
# find a gain.
#
# **Predict.** One label per class on MNIST, from glyphs. A network fine-tuned on the ten labelled
# images makes many mistakes. How many of them do the images without labels remove?
#
# - (a) less than a quarter
# - (b) a quarter to three quarters
# - (c) more than three quarters

# %%
panels.labels_or_unlabelled()

# %%
stored = load("unlabelled")
ways = {
    "from scratch": {"source": None},
    "fine-tuned": {"source": "glyphs", "information": 0.0},
    "SimMIM": {"information": recipe.information},
}


def measured(target, labels, way, measure="accuracy"):
    fields = {"targets": (target,), "labels_per_class": labels, **ways[way]}
    return stored.values(measure, **fields)


# %% tags=["nbval-check-output"]
gains, rows = {}, []
for target, counts in studies.LABELS_PER_CLASS.items():
    for labels in counts:
        accuracies = [measured(target, labels, way) for way in ways]
        gains[target, labels] = difference(accuracies[2], accuracies[1])
        rows.append([f"{target}, {labels}", *map(percent, accuracies), gains[target, labels]])
table(("labels per class", *ways, "SimMIM minus fine-tuned"), *rows)

# %% [markdown]
# (Test accuracy in percent, mean and 95 % interval over ten seeds.)

# %%
accuracies = [measured("mnist", 1, way) for way in ("SimMIM", "fine-tuned")]
explanations.mistakes_removed(gains, *accuracies)

# %% [markdown]
# A mean over ten seeds is not what *you* get: you train once. With **patience** (more steps) and
# five labels per class, how good is the worst of ten seeds?

# %% tags=["nbval-check-output"]
patience, rows = load("patience"), []
for target in ("mnist", "uci-digits"):
    quick, patient = measured(target, 5, "SimMIM"), patience.values(targets=(target,))
    for steps, values in ((studies.QUICK_STEPS, quick), (studies.FULL_STEPS, patient)):
        rows.append([f"{target}, {steps:,} steps", percent(values), f"{100 * values.min():.1f}"])
    rows.append([f"{target}, change", difference(patient, quick), ""])
table(("5 labels per class", "test accuracy (%)", "worst of 10 seeds"), *rows)

# %% [markdown]
# **Fashion** is the sobering part. The images are clothes, the source knows letters and digits, and
# a shirt and a coat differ by less than two handwritten threes do.

# %%
explanations.fashion(gains)

# %% [markdown]
# Why not more? The term can only sharpen decision boundaries that are already there, by pushing them
# to where few images lie (the **low-density** or **cluster assumption**). Between digits there are
# such gaps; between shirts, coats and pullovers there hardly are. And the changes that augmentation
# makes without changing the class were designed for digits.

# %% [markdown]
# ## 6. What each part contributes
#
# The recipe has several parts. Which of them does the work? An **ablation study** leaves out one
# part at a time; here with one and with five labels per class.
#
# **Predict.** One label per class. Which of these costs the most if it is left out?
#
# - (a) the information term
# - (b) the agreement of the two views
# - (c) glyphs as a source

# %%
parts = load("parts")
complete = {
    name: getattr(recipe, name) for without in studies.ABLATIONS.values() for name in without
}
rows = {}
for labels in (1, 5):
    rows[labels] = {figures.NOTHING: measured("mnist", labels, "SimMIM")}
    for part, without in studies.ABLATIONS.items():
        rows[labels][part] = parts.values(labels_per_class=labels, **{**complete, **without})
figures.ablation(rows, f"What if a part is left out? MNIST, 10 seeds (budget {parts.budget})")

# %% tags=["nbval-check-output"]
changes = {
    labels: {part: difference(row[part], row[figures.NOTHING]) for part in studies.ABLATIONS}
    for labels, row in rows.items()
}
table(
    ("left out", *(f"{labels} label{'s' * (labels > 1)} per class" for labels in changes)),
    *([part, *(changes[labels][part] for labels in changes)] for part in studies.ABLATIONS),
)

# %%
explanations.omissions(changes, rows[1])

# %% [markdown]
# Note what leaving out single parts cannot show: two parts may stand in for each other. Agreement
# also makes predictions confident, and the threshold keeps doubtful ones out; so with five labels,
# information or agreement may hardly be missed while the other is there. That is why one row leaves
# out both.

# %% [markdown]
# ## 7. No target label at all
#
# If ten labels are enough, are **none**? Something has to say which class is called 3. Two ways:
#
# - the **source's own head**: glyphs contain the ten printed digits, so the network that knows them
#   can read handwriting, badly. Training starts from there, as in SHOT. A network that knows MNIST
#   starts from a better place.
# - a **shared head** (lesson 03): UCI digits have labels, MNIST has none, and one head serves both.
#   One collection says what the classes are, the other what its images look like. This is where
#   *several tasks at once* comes into its own.
#
# For each pair of collections, the better of the two ways was chosen on the target's validation
# images. The recipe is the same for all, with one exception: from MNIST to UCI digits, where the
# source is nearly right already, the learning rate is a tenth as large. With a larger one some seeds
# swapped the names of classes.
#
# **Predict.** MNIST without a single label, trained together with labelled UCI digits. How much
# better is that than a network that has learned UCI digits and never seen MNIST?
#
# - (a) no better
# - (b) up to ten points
# - (c) more than ten points

# %%
panels.no_labels()

# %% tags=["nbval-check-output"]
records = [*stored.records, *load("directions").records]
found = {
    (each.settings.source, each.settings.targets, each.settings.labels_per_class): each
    for each in records
}
steps_up, rows = {}, []
for name, settings in studies.DIRECTIONS.items():
    record = found[settings.source, settings.targets, settings.labels_per_class]
    before = record.values("source only")
    after = record.values("accuracy", settings.targets[0])
    steps_up[name] = difference(after, before)
    rows.append([name, percent(before), percent(after), steps_up[name]])
table(("no label of the target", "source only", "SimMIM", "difference"), *rows)

# %%
explanations.no_labels(
    steps_up, difference(measured("mnist", 0, "SimMIM"), measured("mnist", 5, "SimMIM"))
)

# %% [markdown] tags=["quoted"]
# **A reference point.** SHOT with its information term alone (SHOT-IM) reads MNIST with 97.6 % after
# learning on USPS, another collection of handwritten digits (Liang et al. 2020, their table for
# digits). Do not compare the last digit: they adapt on MNIST's full training part, sixty thousand
# images, we on a few thousand; their network is a different one, and its head stays fixed; and ours
# has seen glyphs as well as UCI digits.

# %% [markdown]
# ## 8. How it fails
#
# The recipe assumes two things: that the classes are about equally frequent, and that every image
# shows one of them. What if that is not true?
#
# **Predict.** Nine in ten unlabelled images show a 1, while the recipe expects all digits equally
# often (the test images are as always).
#
# - (a) nothing happens: the labels know better
# - (b) some of the ones are called something else, to fill up the other classes
# - (c) everything is called a 1

# %%
surprises = load("surprises")
usual = {"class_shares": None, "class_prior": None, "foreign_images": None}
skew = {"class_shares": studies.MOSTLY_ONES}
cases = {
    "nine in ten are ones": skew,
    "ones, shares known": {**skew, "class_prior": studies.MOSTLY_ONES},
    "ones, no information": {**skew, "information": 0.0},
    "half are clothes": {"foreign_images": "fashion"},
    "clothes, no information": {"foreign_images": "fashion", "information": 0.0},
}
outcomes = {"as it should be": measured("mnist", 5, "SimMIM")}
for name, fields in cases.items():
    fields = {**usual, "information": recipe.information, **fields}
    outcomes[name] = surprises.values("accuracy", **fields)
fine_tuned = measured("mnist", 5, "fine-tuned")
shown = {"MNIST, 5 labels per class": {"fine-tuned": fine_tuned, **outcomes}}
charts.accuracy_rows(shown, f"Unlabelled images that differ, 10 seeds (budget {stored.budget})")

# %% tags=["nbval-check-output"]
rows = [(name, percent(x), difference(x, fine_tuned)) for name, x in outcomes.items()]
table(("unlabelled images", "test accuracy (%)", "minus fine-tuned"), *rows)

# %%
explanations.surprises(outcomes)

# %% [markdown]
# ### Exercise 4: Say what to expect (easy, 5 minutes)
#
# In your own heap of unlabelled digits, every second image shows a 0; the other nine are about
# equally frequent. You have five labels per class of MNIST. Write the settings of a run that learns
# from such a heap.

# %% tags=["nbval-check-output"]
expecting = ...  # simmim_lib.Settings(..., **INFORMED)

exercises.check("05-class-prior", expecting)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Two fields hold shares of classes. One *makes* an unequal heap, to see what happens. The other says
# what the network should expect. It has one number for each digit, and they sum to 1.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# expecting = simmim_lib.Settings(
#     labels_per_class=5, class_prior=(0.5, *[0.5 / 9] * 9), **INFORMED
# )
# ```
#
# </details>

# %% [markdown]
# **Confident and wrong.** The term asks for confident predictions. It does not ask whether they are
# right. A network is **calibrated** if it is right as often as its confidence says: for four in five
# of the images where it says 0.8. Two short training runs, one seed, one label per class:
#
# **Predict.** Which one is better calibrated?
#
# - (a) fine-tuned on the labelled images alone
# - (b) SimMIM

# %%
informed = simmim_lib.Settings(labels_per_class=1, steps=150, seeds=1, **INFORMED)
plain = informed.replace(information=0.0, agreement=0.0, augmentation=0.0)
curves = []
for name, settings in {"fine-tuned": plain, "SimMIM": informed}.items():
    result = simmim_lib.run(settings, baseline=False)
    probabilities = result.probabilities["mnist"][0]
    curves.append(calibration.reliability(probabilities, few.test.labels))
    wrong = probabilities.argmax(axis=1) != few.test.labels
    surely = np.mean(probabilities[wrong].max(axis=1) > 0.8)
    print(f"{name}: {wrong.mean():.0%} wrong, {surely:.0%} of these with a confidence above 0.8")
figures.reliability(*curves, ("fine-tuned", "SimMIM"))

# %% [markdown]
# Each bar holds predictions of about the same confidence; its height is the share of them that are
# right (a **reliability diagram**). On the diagonal, confidence and accuracy agree. The **expected
# calibration error** is the mean distance from the diagonal, with every prediction counting the same
# ([Guo et al. 2017](https://arxiv.org/abs/1706.04599)). Over ten seeds, with the full recipe:

# %% tags=["nbval-check-output"]
rows = []
for target, labels in (("mnist", 1), ("mnist", 5), ("uci-digits", 5), ("fashion", 5)):
    before, after = (measured(target, labels, way, "calibration error") for way in list(ways)[1:])
    verdict = difference(before, after).verdict  # less is a gain
    word = {"gain": "better", "loss": "worse"}.get(verdict, verdict)
    rows.append([f"{target}, {labels}", percent(before), percent(after), word])
table(("calibration error (%)", "fine-tuned", "SimMIM", "SimMIM is"), *rows)

# %%
explanations.calibrated({row[0]: row[-1] for row in rows})

# %% [markdown]
# Two things pull against each other: the term makes every prediction more confident, and most of
# them right. Where most become right, the confidence is deserved. Where they do not, SimMIM is sure
# of its mistakes. How bad can that be? Look at the worst of the ten seeds with one label per class,
# and at the ten images it had labels for.

# %%
each, shares = (measured("mnist", 1, "SimMIM", x) for x in ("accuracy", "largest share"))
worst = int(each.argmin())
given = datasets.few_shot("mnist", labels_per_class=1, seed=worst).labelled
print(f"accuracy {each[worst]:.0%}, mean {each.mean():.0%}; largest class {shares[worst]:.0%}")
charts.image_grid(given.images, list(map(str, given.labels)), "The ten digits with a label.")

# %% [markdown]
# When such a seed is trained again, its confusion matrix shows two digits that have **swapped their
# names**: the term finds the ten clusters of images, but only the labelled image says which cluster
# is called 0, and one untypical image can get it wrong. The predictions are confident, evenly spread
# and consistent, so everything that needs no label is satisfied. A second label per class makes that
# rare, as the table in section 5 shows; and a few labelled images set aside will reveal it.

# %% [markdown]
# ## 9. The verdict on the article's claim
#
# The article says that SimMIM "can make better use of limited data" (our translation). Lesson 03
# measured what *joining tasks* does for that. Here is what *maximising information* does, over all
# comparisons of section 5, with the same number of labels and steps:

# %%
explanations.claim(gains)

# %% [markdown]
# But note what brings the gain: images without labels, which the article does not mention. On
# labelled images alone there is no such term. And fine-tuning never saw those images, so this
# compares a method that uses more data with one that uses less.

# %% [markdown]
# ## Recap
#
# - Images without labels cannot say what they show, but predictions for them can be sure and spread.
#   Both together are the mutual information $I = H(\text{mean of } p) - \text{mean of } H(p)$.
# - Without the spreading half the cheapest answer is one class for all. The alarm detects a collapse
#   without labels.
# - An image can teach a changed view of itself, if the network is confident enough.
# - Choose a recipe on one collection, and report on others as well.
# - Leave out parts one by one, and claim only what the intervals support.
# - Look out for a wrong class prior, out-of-distribution images and confident mistakes. Keep some
#   labels for checking.
#
# ## Where next
#
# [Lesson 03](03_simmim_model.ipynb) has the joint loss that this one extends, and
# [lesson 04](04_task_weights.ipynb) the weights between tasks. [Lesson 06](06_medical_images.ipynb)
# asks what a network is worth where a label costs a doctor's time: on medical images. In
# [lesson 10](10_report.ipynb) you run these settings on your own data and budget, and get a report.
