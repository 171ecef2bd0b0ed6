# %% [markdown]
# # 08 Masked image modelling
#
# <!-- badge -->
#
# About 80 minutes; 60 without what goes deeper. Afterwards you will be able to
#
# - pre-train a small vision transformer without a single label, on a small data set, in small
#   batches,
# - say what is hidden, what is predicted, and what the loss covers,
# - tell whether *masking* helps, or whether any pre-training would,
# - judge a published ablation by what you can measure yourself.
#
# You need lesson 01. Run cell by cell (Shift+Enter), and answer each question before you go on: what
# comes out is shown after your click.

# %% tags=["setup"]
# The builder writes the setup cell.

# %% tags=["imports", "folded"]
# @title Imports
import simmim_lib
from simmim_lib import exercises, masking
from simmim_lib.experiments.pretexts import masked
from simmim_lib.lessons.masked_images import figures, networks, panels, study_results

# %% [markdown]
# ## 1. The published SimMIM
#
# The article that this workbook follows reads SimMIM as "simultaneous multivariate information
# maximisation". Whoever searches for the name finds something else:
# [Xie et al. (2022)](https://arxiv.org/abs/2111.09886), *SimMIM: A Simple Framework for Masked Image
# Modeling*. It is a way of pre-training that needs **no labels**: hide most of an image, let a
# network fill it in, throw away what did the filling in, and keep the rest.
#
# The two go together. Masked pre-training answers "where does the source network come from?" when
# nobody has labelled a source. Everything else in this workbook stays as it is.
#
# It is usually shown with a million images and dozens of GPUs. "Any suggestions for a small data
# set, a small network, small batches?" is a question that
# [a public tracker](https://github.com/facebookresearch/mae/issues/19) has left open for years. This
# lesson is an answer: ten thousand images, two hundred thousand weights, two processor cores. The
# recipe fits on a page; what it brings, and what a minute of it brings, is measured in section 5.

# %%
study_results.recipe_table()

# %% [markdown]
# ## 2. Hide most of the picture
#
# The image is cut into **patches**, here 4 x 4 of them with 7 x 7 pixels each. A **mask** says which
# are hidden. Patches are hidden in **units** of one or several patches, at random, and the share of
# hidden units is the **ratio**, usually 0.6.
#
# Why so much? Neighbouring pixels are nearly equal. If only a little is hidden, a network fills the
# gaps by smearing their edges inwards, and need not know that it looks at a shoe.

# %%
exercises.predict("08-hidden", panels.masks())

# %% [markdown]
# For the library, a mask is an array with a 1 for each hidden patch:

# %% tags=["nbval-check-output"]
mask = masking.random_mask(batch=1, grid=4, unit=1, ratio=0.6, seed=0)
print(mask[0].astype(int))

# %% [markdown]
# ### Exercise 1: A mask with an exact count (easy, 10 minutes)


# %% tags=["nbval-check-output"]
def hide(units, ratio, random):
    """Return which of so many units are hidden, as an array (units,) of True and False.

    The number of hidden units is the same each time: the ratio's share, rounded up. `random` is a
    NumPy generator. Take `round(ratio * units, 9)` for the share, as 0.28 * 25 is a little above 7
    for a computer.
    """
    ...  # your code


exercises.check("08-mask", hide)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `random.permutation(units)` puts the numbers from 0 to `units - 1` in a random order. How many of
# them are below 10?
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# import math
#
# def hide(units, ratio, random):
#     hidden = math.ceil(round(ratio * units, 9))
#     return random.permutation(units) < hidden
# ```
#
# </details>

# %% [markdown]
# ### Exercise 2: What a ratio of 0.6 becomes (easy, 3 minutes)
#
# At 192 x 192 pixels, the paper hides units of 32 x 32 pixels with a ratio of 0.6. Which share of the
# units is hidden in fact?

# %% tags=["nbval-check-output"]
share = ...  # a number

exercises.check("08-rounding", share)

# %% [markdown]
# <details><summary>Hint</summary>
#
# How many units are there in all? There is no part of a unit.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# import math
#
# share = math.ceil(0.6 * 36) / 36
# ```
#
# </details>

# %% [markdown]
# ## 3. What is predicted
#
# The rest is as simple as it can be:
#
# 1. each patch is **embedded** as 64 numbers, by one dense layer; in place of a hidden patch stands a
#    learned **mask token**, the same for all, and the network is told where it stands;
# 2. four **transformer blocks** let the patches look at each other;
# 3. one dense layer, the **head**, turns each patch's 64 numbers into 49 pixels.
#
# The loss is the mean absolute error, over **hidden** pixels only. With $x$ the image, $\hat x$ what
# the network returns, $m$ the mask (1 where a pixel is hidden) and $C$ channels:
#
# $$ L = \frac{1}{C \sum_i m_i} \sum_{i, c} m_i \, |x_{ic} - \hat x_{ic}| $$

# %%
exercises.predict("08-guess-visible")

# %% [markdown]
# ### Exercise 3: The masked loss (medium, 10 minutes)


# %% tags=["nbval-check-output"]
def masked_loss(images, filled, mask):
    """Return the mean absolute error of the hidden pixels.

    images, filled: (n, height, width, channels); mask: (n, height, width), True where hidden.
    """
    ...  # your code


exercises.check("08-loss", masked_loss)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The mask has no axis of channels: `mask[..., None]` has one of length 1. A hidden pixel counts once
# for each channel.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# import numpy as np
#
# def masked_loss(images, filled, mask):
#     errors = np.abs(images - filled) * mask[..., None]
#     return errors.sum() / mask.sum() / images.shape[-1]
# ```
#
# </details>

# %% [markdown]
# ### Exercise 4: The leak (medium, 5 minutes)
#
# A network has learned nothing but to copy: it returns visible patches without error, and is off by
# 0.3 on average where a patch is hidden, as it would be for any image. Ten of sixteen patches are
# hidden. What is its loss over *all* patches, and what over the hidden ones?

# %% tags=["nbval-check-output"]
losses = ...  # (over all patches, over the hidden ones)

exercises.check("08-leak", losses)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Over all patches, the loss is the mean of six zeros and ten times 0.3.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# losses = (10 * 0.3 / 16, 0.3)
# ```
#
# </details>

# %% [markdown]
# ## 4. Pre-train, now
#
# The next cell pre-trains for about a minute, on ten thousand clothes of Fashion-MNIST, without their
# labels. It makes the figure below it, and nothing else: each later figure says which network it is
# about.

# %%
steps = 700
live = networks.pretrain_live(steps)
images = networks.test_images(5)
mask = masking.random_mask(5, grid=4, seed=1)

# %% tags=["folded"]
# @title What it fills in
figures.filled_in(
    images, mask, masked.reconstructions(live, images, mask), f"Pre-trained live, {steps} steps"
)

# %% [markdown]
# So short a training does not get far: compare with the panel above, whose network followed the whole
# recipe of section 1. And even that blurs: where several continuations are possible, the absolute error is
# least in the middle of them. Nobody wants the pictures. What we want is what the network had to
# understand to make them.

# %% [markdown]
# ## 5. Does it help?
#
# Now the clothes get labels, but few. The same transformer is fine-tuned from several starts: random
# weights, masked pre-training, and **contrastive** pre-training
# ([SimCLR, Chen et al., 2020](https://arxiv.org/abs/2002.05709)), which needs no labels either: of
# 128 images, each in two views, find for each view the other one of the same image. A fourth start
# has seen no clothes: it has learned to name *glyphs*, the characters of lesson 01.
#
# One learning rate for all would favour the start that it suits. So each start has its own, by one
# rule: of all that was tried, what classifies the most **validation** images of two draws of labels.
# The test images had no say in it, and the draws that are reported are ten others.

# %%
study_results.tuning_chosen()

# %%
exercises.predict("08-pretexts", *study_results.pretexts_compared())

# %% [markdown]
# Both are one setting away, and go with every panel, command and report of the workbook:

# %%
settings = simmim_lib.Settings(
    trunk="small-vit", source="fashion", pretext="masked", targets=("fashion",), seeds=1
)
result = simmim_lib.run(settings, baseline=False)
print(f"one seed: {result.accuracy['fashion'].round(3)}")

# %% [markdown]
# The two lessons that share the name can share a network, too: masked images first, then lesson 05's
# recipe on the same images, with a few labels.

# %%
exercises.predict("08-recipe", *study_results.informed_compared())

# %% [markdown]
# How long should pre-training be? The next figure compares several lengths; the last points of
# *masked* and *contrastive* are the networks that come with the workbook. Their seconds, those of two
# processor cores, follow from the seconds of a step at the point before.

# %%
exercises.predict("08-first-minute", *study_results.timed_compared())

# %% [markdown]
# ## 6. Going deeper: the paper's choices
#
# A paper's ablations tell which of its choices matter, for its data and its patience. We repeated
# some of them, each with one short pre-training of 400 steps and five draws of five labels per
# class: as curves, as verdicts, and in a panel to look up each ratio and unit. The claim that seemed
# clearest was tried again, with six new pre-trainings.

# %%
exercises.predict(
    "08-square", study_results.ratio_curves(), study_results.verdicts_table(), panels.ablations()
)

# %% [markdown]
# ## 7. Going deeper: where the knowledge sits
#
# A **linear probe** leaves the network as it is, and trains one linear layer on what a block says. It
# can be put behind any block.

# %%
exercises.predict("08-block", *study_results.blocks_compared())

# %% [markdown]
# The masked network is a source like any other. Is it a better one than the glyphs of lesson 01, which
# are no clothes, but have labels? And which source's early blocks are worth keeping?

# %%
exercises.predict("08-frozen", *study_results.frozen_compared())

# %% [markdown]
# What a patch takes from which other patches can be seen directly. In the panel, choose a patch, and
# compare the two ways of pre-training.

# %%
panels.attention()

# %% [markdown]
# ## 8. Going deeper: convolutions
#
# A transformer can be given a token for "hidden". A convolutional network has no tokens: its holes
# are pixels like any others.

# %%
exercises.predict("08-vanishing", study_results.vanishing_figure(masking.random_mask(1, grid=4)[0]))

# %% [markdown] tags=["quoted"]
# **And MAE?** Masked autoencoders ([He et al., 2022](https://arxiv.org/abs/2111.06377)) appeared in
# the same month. They hide three patches in four, show the network *only the visible ones*, which
# saves most of the work, and need a second, smaller transformer to fill in. SimMIM shows the network
# everything, tokens included, and one dense layer is enough. Both reach about the same accuracy.

# %% [markdown]
# ## Recap

# %%
exercises.score("08")

# %% [markdown]
# - Masked image modelling hides most of an image and predicts the hidden pixels: no labels needed.
# - The loss covers hidden pixels only, and the number of hidden units is exact, and rounded up.
# - Whether *masking* helps is a comparison with another pretext, not only with random weights.
# - It takes patience: judge by the accuracy after fine-tuning, not by the look of a reconstruction.
# - The two that share a name go well together: after masked images, the same images without labels
#   bring accuracy once more, by lesson 05's recipe.
#
# ## Where next
#
# [Lesson 09](09_open_problems.ipynb): what such training costs, what it may tell of its examples, and
# what a network looks at. [Lesson 10, Reports](10_report.ipynb): the same comparison on your own data,
# with all baselines, as a page to hand on.
