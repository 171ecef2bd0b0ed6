# %% [markdown]
# # 05 Information maximisation
#
# <!-- badge -->
#
# About 110 minutes; 75 without what goes deeper. Afterwards you will be able to
#
# - say what images without labels can teach a network, and write the term that does it,
# - say what each of its two halves is for, and notice without labels when a network needs the other,
# - use the whole recipe: information, consistency between two views of an image, a threshold, a
#   ramp,
# - judge when to trust it: what it gains, where it gains little, and (going deeper) how it fails.
#
# You need the entropy of lesson 02 and the joint loss of lesson 03. Run cell by cell (Shift+Enter),
# and answer each question before you go on: what comes out is shown after your click.

# %% tags=["setup"]
# The builder writes the setup cell.

# %% tags=["imports", "folded"]
# @title Imports
import numpy as np
import scipy.special

import simmim_lib
from simmim_lib import datasets, exercises
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.lessons.information_maximisation import panels, study_results
from simmim_lib.pictures import charts

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

# %% tags=["folded"]
# @title Some images of both kinds
shown = np.concatenate([few.labelled.images, few.unlabelled.images[:20]])
captions = [str(label) for label in few.labelled.labels] + ["?"] * 20
charts.image_grid(shown, captions, "Ten digits with a label above twenty digits without.")

# %%
exercises.predict("05-without-labels")

# %% [markdown]
# Three networks look at the same two images and say how probable it is that each shows a cat or a
# dog:
#
# | | first image (cat, dog) | second image (cat, dog) |
# |---|---|---|
# | sure and spread | (1, 0) | (0, 1) |
# | unsure | (½, ½) | (½, ½) |
# | all one class | (1, 0) | (1, 0) |
#
# Which one's answers say something about the image? Lesson 02's entropy
# $H(p) = -\sum_k p_k \log p_k$ puts a number on it. It is 0 for a certain prediction and
# $\log 2 \approx 0.69$ nats for an even guess between two. Take the entropy of the mean prediction,
# and subtract the mean of the single entropies:
#
# $$I = \underbrace{H\left(\text{mean of } p\right)}_{\text{spread}}
# \;-\; \underbrace{\text{mean of } H(p)}_{\text{doubt}}$$

# %%
exercises.predict("05-by-hand", study_results.information_by_hand())

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
# ## 2. Two halves
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

# %%
exercises.predict("05-two-halves", panels.two_halves(), study_results.without_spread_table())

# %% [markdown]
# Say that a network has **collapsed** if its predictions for the test images use fewer than five of
# ten classes. That should be noticed before anybody uses the network, and without labels, because
# there are none. After training, the **collapse alarm** takes the predictions for images that were
# set aside, computes the entropy $H$ of their mean, and rings if $e^H$, which counts the classes in
# use, is less than half of what is expected. It also rings if hardly any image is put in another
# class than the most predicted one, however unsure the predictions are. Is it right? What really
# happened is counted on the test images, which the alarm does not see.

# %%
exercises.predict(
    "05-alarm",
    study_results.alarms_table(),
    study_results.alarms_figure(),
    study_results.alarms_in_words(),
)

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
# ## 3. Two views of one image
#
# A 3 that is rotated a little is still a 3. So an image without a label can be its own teacher: the
# network looks at a **weakly** changed view and at a **strongly** changed one, and the second
# prediction should agree with the first. We call this consistency term **agreement**, as `Settings`
# does.

# %%
study_results.views_figure(few.unlabelled.images[:8])

# %% [markdown]
# $$A(U) = \frac{1}{|U|}\sum_{x \in U} \big[\max_k p_k(x_\text{weak}) > c\big]\;
# H\big(p(x_\text{weak}),\, p(x_\text{strong})\big)$$
#
# is the cross-entropy of the strong view with the weak view's prediction as its truth, which is held
# constant: the strong view learns from the weak one, not the other way round. It is added to the
# loss, multiplied by `Settings(agreement=...)`. The bracket is 1 if the confidence of the weak
# prediction, its largest probability, is above the **threshold** $c$ (`Settings(confidence=...)`),
# else 0. All of this together is one setting, `recipe="simmim"`.

# %%
recipe = simmim_lib.Settings(recipe="simmim")
logits = pretrained("glyphs").as_model().predict(few.test.images, verbose=0)
probabilities = scipy.special.softmax(logits[:, :10], axis=1)  # its first ten classes are digits
sure = probabilities.max(axis=1) > recipe.confidence
correct = probabilities.argmax(axis=1) == few.test.labels

# %%
exercises.predict(
    "05-threshold", study_results.threshold_table(correct, sure), correct=correct, sure=sure
)

# %% [markdown]
# Two more things belong to the recipe:
#
# - the **ramp**: with a fresh head the first predictions mean nothing, and becoming sure of them too
#   early is how mistakes become permanent. So both terms grow from nothing to their full weight over
#   a share of the steps (`ramp`).
# - **data augmentation** of the labelled images: they are rotated and stretched as well, or the
#   network would memorise the ten images in no time.

# %% tags=["nbval-check-output"]
study_results.recipe_table()

# %% [markdown]
# In this panel each of these numbers has a slider. It trains one network with one label per class,
# for a short time. Which of them can you set to 0 without a loss you can see?

# %%
panels.recipe()

# %% [markdown]
# ## 4. What it brings
#
# The recipe's numbers were chosen by looking at **MNIST's validation images**, and at nothing else.
# MNIST's test images played no part in it, and **UCI digits and Fashion** none at all: the recipe
# was not adjusted to them. That matters, because whoever tunes on the very data they report on will
# find a gain. All accuracies below are on test images, mean and 95 % interval over ten seeds.
#
# What to compare with? The recipe also turns and stretches the *labelled* images, which needs no
# others. So beside plain fine-tuning stands *augmented*: the recipe's steps and views, but labelled
# images only. What SimMIM adds to that is due to images without labels.

# %%
exercises.predict(
    "05-mistakes-removed",
    panels.labels_or_unlabelled(),
    study_results.gains_table(("mnist", "uci-digits")),
)

# %% [markdown] tags=["quoted"]
# **Beside print.** With five labels per class, the method LVAN-LW reads MNIST with an error of
# 1.42 ± 0.12 %, which is 98.58 % right, and a ladder network with 1.62 ± 0.65 %
# ([arXiv:1711.07476](https://arxiv.org/abs/1711.07476)): better than ours. Before you compare: public
# work on MNIST usually learns from all sixty thousand images without labels, and public tables of
# semi-supervised learning often report the best step on the *test* images. Here it is always the last
# step, and what was chosen was chosen on validation images.

# %%
exercises.predict("05-worst-seed", study_results.worst_seeds_table())

# %%
exercises.predict("05-fashion", study_results.gains_table(("fashion",)))

# %% [markdown]
# ## 5. The verdict on the article's claim
#
# The article says that SimMIM "can make better use of limited data" (our translation). Lesson 03
# measured what *joining tasks* does for that. Section 4 measured what *maximising information* does,
# with agreement, which goes with it: with the same labels, steps and views as *augmented*.

# %%
exercises.predict("05-claim")

# %% [markdown]
# ## 6. Going deeper: how it fails
#
# The recipe assumes two things: that the classes are about equally frequent, and that every image
# shows one of them. What if that is not true?

# %%
exercises.predict(
    "05-shares",
    panels.unlike_expected(),
    *study_results.surprises_compared(study_results.ONES),
)

# %%
exercises.predict("05-strangers", *study_results.surprises_compared(study_results.CLOTHES))

# %% [markdown]
# ### Exercise 4: Say what to expect (easy, 5 minutes)
#
# In your own heap of unlabelled digits, every second image shows a 0; the other nine are about
# equally frequent. You have five labels per class of MNIST. Write the settings of a run that learns
# from such a heap.

# %% tags=["nbval-check-output"]
expecting = ...  # simmim_lib.Settings(recipe="simmim", ...)

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
#     recipe="simmim", labels_per_class=5, class_prior=(0.5, *[0.5 / 9] * 9)
# )
# ```
#
# </details>

# %% [markdown]
# ## 7. Going deeper: where the idea comes from
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

# %% [markdown]
# ## 8. Going deeper: what each part contributes
#
# The recipe has several parts. Which of them does the work? An **ablation study** leaves out one
# part at a time; here with one and with five labels per class.

# %%
exercises.predict("05-omission", study_results.omissions_figure(), study_results.omissions_table())

# %% [markdown]
# ## 9. Going deeper: no target label at all
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
# images. The recipe is the same for all, but for three things: from another collection of digits there
# are twice as many steps; with the shared head, the target counts twice; and from MNIST to UCI digits,
# where the source is nearly right already, the learning rate is a tenth as large. With a larger one the
# worst seeds failed, in the way of section 10.

# %%
exercises.predict("05-no-labels", panels.no_labels(), study_results.directions_table())

# %% [markdown] tags=["quoted"]
# **A reference point.** SHOT with its information term alone (SHOT-IM) reads MNIST with 97.6 % after
# learning on USPS, another collection of handwritten digits (Liang et al. 2020, their table for
# digits). Do not compare the last digit: they adapt on MNIST's full training part, sixty thousand
# images, we on a few thousand; their network is a different one, and its head stays fixed; and ours
# has seen glyphs as well as UCI digits.

# %% [markdown]
# ## 10. Going deeper: confident and wrong
#
# The term asks for confident predictions. It does not ask whether they are right. A network is
# **calibrated** if it is right as often as its confidence says: for four in five of the images where
# it says 0.8. Here are three short runs at once, each with one label per class for other images, and
# a **confusion matrix**: each row a true digit, each column what it was taken for.

# %%
exercises.predict("05-calibration", panels.sure_and_right(), study_results.calibration_table())

# %% [markdown]
# How bad can it be to be sure and wrong? Section 4 has a seed that is far worse than the others.

# %%
exercises.predict("05-worst-network", *study_results.worst_seed_compared())

# %% [markdown]
# ## Recap

# %%
exercises.score("05")

# %% [markdown]
# - Images without labels cannot say what they show, but predictions for them can be sure and spread.
#   Both together are the mutual information $I = H(\text{mean of } p) - \text{mean of } H(p)$.
# - Without the spreading half the cheapest answer is one class for all. The alarm detects a collapse
#   without labels.
# - An image can teach a changed view of itself, if the network is confident enough.
# - Choose a recipe on one collection, and report on others as well. Compare with all of it that needs
#   no unlabelled image: views of a few labelled ones are worth much, too.
# - Leave out parts one by one, and claim only what the intervals support.
# - Look out for a wrong class prior, out-of-distribution images and confident mistakes. Keep some
#   labels for checking.
#
# ## Where next
#
# [Lesson 03](03_simmim_model.ipynb) has the joint loss that this one extends, and
# [lesson 04](04_task_weights.ipynb) the weights between tasks. [Lesson 06](06_medical_images.ipynb)
# asks what a network is worth where a label costs a doctor's time: on medical images.
# [Lesson 07](07_language.ipynb) does the same with sentences: three domains, one head. In
# [lesson 10](10_report.ipynb) you run these settings on your own data and budget, and get a report.
