# %% [markdown]
# # 09 Compute, privacy, interpretability
#
# <!-- badge -->
#
# About 110 minutes; 100 without what goes deeper. Afterwards you will be able to
#
# - say what a way to learn costs, in arithmetic, memory and energy, and which ways are bad bargains,
# - train a head privately, say what its epsilon promises, and spot the mistakes that void it,
# - attack a trained network, and tell what an attack proves and what it does not,
# - draw what each head of a network looks at, and test whether such a map can be believed.
#
# The article closes with three open problems: computing resources, data privacy, and
# interpretability. Here each of them is measured. You need lessons 01 and 03. Run cell by cell
# (Shift+Enter), and answer each question before you go on: what comes out is shown after your click.

# %% tags=["setup"]
# The builder writes the setup cell.

# %% tags=["imports", "folded"]
# @title Imports
import numpy as np

from simmim_lib import attribution, exercises, privacy
from simmim_lib.experiments import cost
from simmim_lib.lessons.open_problems import (
    audits,
    chest_maps,
    figures,
    maps,
    panels,
    private_heads,
    study_results,
    two_tasks,
)
from simmim_lib.settings import Settings

# %% [markdown]
# ## 1. What learning costs
#
# "Pre-trained models still need a lot of computing," says the article. How much is a lot? The
# currency that does not depend on the machine is the **floating-point operation**: one
# multiplication or one addition. A dense layer from $m$ to $n$ numbers takes $2mn + n$ of them for an
# image; the way back takes about twice as many again.

# %%
settings = Settings(source="glyphs", targets=("fashion",), adaptation="fine-tune", frozen_layers=0)
found = cost.estimate(settings)
print(
    f"{found.trained:,} weights trained, {found.bytes / 1e6:.1f} MB with gradients and Adam's averages"
)
print(f"{found.flops / settings.seeds / 1e9:.1f} billion operations for one seed")

# %%
exercises.predict("09-arithmetic")

# %% [markdown]
# From seconds to **energy** it is one line, and three assumptions: what the processor is built to
# take at full load, that it is at full load, and what the building around it adds (cooling, losses).
#
# $$ E = t \cdot P \cdot \text{overhead} $$
#
# Tools that measure "your energy" on a rented machine do the same sum: they cannot see the plug
# either.

# %% tags=["nbval-check-output"]
minute = cost.watt_hours(seconds=60)
print(f"a minute of training: {minute:.2f} Wh, with {cost.WATTS:g} W and {cost.OVERHEAD:g} x")
print(f"a month on a hundred such machines: {100 * 30 * 24 * 60 * minute / 1e6:,.1f} MWh")

# %% [markdown]
# Here is all of it for 120 steps with ten labels per class, on a computer that does twenty billion
# operations a second. A probe of a large network may be cheaper than training a small one: its
# features are computed once.

# %% tags=["nbval-check-output"]
study_results.costs_table()

# %%
exercises.predict("09-front", study_results.cost_figure())

# %% [markdown]
# You have so many labels, and so many seconds: what to do? The panel times one run on this computer,
# and says what the ways that ten seeds have measured would take here.

# %%
panels.budget()

# %% [markdown]
# ## 2. Going deeper: cheaper ways to adapt
#
# Fine-tuning changes every weight, and keeps a copy of all of them for each task. There are ways to
# save:
#
# - **LoRA** ([Hu et al. 2021](https://arxiv.org/abs/2106.09685)) leaves a matrix $W$ as it is and
#   learns a correction $AB$ of low rank beside it: in Keras `layer.enable_lora(rank=4)`.
# - **Mixed precision** computes with 16 bits in place of 32: `dtype="mixed_bfloat16"`.
# - **Early stopping** ends when the loss on validation images no longer falls.
# - **Quantisation** rounds the weights of the finished network to 8 bits: `network.quantize("int8")`.

# %%
exercises.predict("09-cheaper", study_results.cheaper_table())

# %% [markdown]
# ## 3. A promise of privacy
#
# A network that has learned from your image may tell something about it. How could one promise that
# it tells *next to nothing*? By making sure that it would have come out nearly the same without you.
#
# Training $M$ is **$(\varepsilon, \delta)$-differentially private** if for any two sets of images
# $D$ and $D'$, of which one has one image more, and any set $S$ of networks that may come out,
#
# $$ \Pr[M(D) \in S] \le e^{\varepsilon} \Pr[M(D') \in S] + \delta $$
#
# and the same the other way round. $\varepsilon$ bounds how much more probable a network can be *with*
# you than without; $\delta$ is the chance that the bound fails. It must be far below one in the number
# of images: here it is always one in 100,000.

# %%
exercises.predict("09-odds")

# %% [markdown]
# How is the promise kept? **DP-SGD** ([Abadi et al. 2016](https://arxiv.org/abs/1607.00133)) changes
# three things in a step of gradient descent:
#
# 1. each image is in the batch by a coin of its own (*Poisson* batches),
# 2. each image's gradient is **clipped**: shortened to length $C$ if it is longer,
# 3. Gaussian **noise** of deviation $\sigma C$ is added to the sum, which is then divided by the
#    *expected* size of the batch.
#
# An **accountant** turns chance, noise and number of steps into an epsilon:

# %% tags=["nbval-check-output"]
hospital = {"examples": 4_000, "batch_size": 1_000, "epochs": 15, "delta": 1e-5}
for noise in (2, 4, 8, 16):
    print(f"noise {noise:2}: epsilon {privacy.epsilon(noise_multiplier=noise, **hospital):.2f}")

# %% [markdown]
# Now take 4,000 digits for the images of patients. The glyphs are public, and so is the network that
# was trained on them: its features cost no privacy. Only the head learns from the digits, privately.

# %%
head = private_heads.PrivateHead(dataset="mnist", features="glyphs", epsilon=1.0, seeds=3)
print("noise:", round(head.recipe(examples=4_000).noise_multiplier, 2))
accuracies = private_heads.accuracies(head, lambda done, total: None)["accuracy"]
print("accuracy of three seeds at epsilon 1:", accuracies.round(3))

# %%
exercises.predict("09-pixels", study_results.private_table("mnist"), panels.private_head())

# %% [markdown]
# The star is a head that was trained while you watched, the curves are a stored study of ten seeds,
# dotted lines are heads that promise nothing. Try:
#
# - *Private images* Fashion: which features help clothes? Why not those of glyphs? (A curve may lie
#   above its dotted line, since all heads take steps of one size, chosen for private ones.)
# - *Private examples* 500: at which epsilon is the head still good?
#
# Rate, clip and number of steps were chosen on UCI digits, which are public. To choose them on the
# private images would be one more look at them, and looks must be paid for.

# %% [markdown]
# ### Exercise 1: Clip gradients (easy, 5 minutes)
#
# Each row is the gradient of one image.


# %% tags=["nbval-check-output"]
def clipped_sum(gradients, clip):
    """Return the sum of the rows, each first shortened to length `clip` if it is longer.

    `gradients` is an array (images, weights); the length of a row is the root of its sum of squares.
    """
    ...  # your code


exercises.check("09-clip", clipped_sum)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `np.linalg.norm(gradients, axis=1, keepdims=True)` are the lengths. Multiply each row by
# `clip / length`, but never by more than 1; and mind a length of zero.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def clipped_sum(gradients, clip):
#     lengths = np.linalg.norm(gradients, axis=1, keepdims=True)
#     factors = np.minimum(1, clip / np.maximum(lengths, 1e-12))
#     return (factors * gradients).sum(axis=0)
# ```
#
# </details>

# %% [markdown]
# ### Exercise 2: Twice the same images (medium, 5 minutes)
#
# The hospital trains with noise multiplier 8 (and `hospital`, as above). A month later it trains a
# second head on the *same* 4,000 images in the same way, and publishes both. What epsilon do both
# together have? Let the accountant tell.

# %% tags=["nbval-check-output"]
together = ...  # privacy.epsilon(...)

exercises.check("09-not-additive", together)

# %% [markdown]
# <details><summary>Hint</summary>
#
# For the accountant two trainings on the same images are one training that is twice as long.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# together = privacy.epsilon(
#     examples=4_000, batch_size=1_000, noise_multiplier=8, epochs=30, delta=1e-5
# )
# ```
#
# </details>

# %% [markdown]
# ## 4. Claimed and found
#
# An accountant believes what it is told. Whether the *code* does what it was told is another matter,
# and the network that comes out looks the same either way. So let us attack it.
#
# A **canary** is an odd image that we put among the others, or not, by a coin. Ours light a single
# pixel that no digit ever uses. For each such pixel there are ten, one with each label: no digit
# teaches the network anything about it. What the finished head says of a pixel and a label tells
# whether their canary was there.

# %%
audit = audits.CanaryAudit(claimed=3.0)
canaries = audits.draw_canaries(seed=0)
scores = audits.canary_scores(audit, canaries, seed=0)
right, guesses = audits.guesses_right(scores, canaries.present)
print(f"{canaries.present.sum()} of {len(scores)} canaries were there")
print(f"{right} of {guesses} guesses right: {right / guesses:.0%}; a coin would get half of them")

# %% [markdown]
# With epsilon, at most a share of $e^\varepsilon / (1 + e^\varepsilon)$ of such guesses is right on
# average. So many right guesses *prove* that epsilon is no smaller than a bound
# ([Steinke et al. 2023](https://arxiv.org/abs/2305.08846)); it holds in 95 of 100 audits.

# %%
exercises.predict("09-canaries", study_results.canaries_figure())

# %%
exercises.predict("09-shuffled", study_results.batches_figure())

# %% [markdown]
# Six people claim that their run has epsilon 1. Some are right. Read what each has done, and say
# whether it is private.

# %%
panels.which_is_private()

# %% [markdown]
# ### Exercise 3: Three loops, three mistakes (hard, 10 minutes)
#
# All three use the same names, and all three print epsilon 1. In each, one part is wrong: the
# `"batches"`, the `"clip"`, the `"noise"` or the `"division"`.
#
# ```python
# # Loop A
# drawn = random.random(4_000) < 0.25
# lengths = np.linalg.norm(gradients[drawn])
# total = (gradients[drawn] * min(1, clip / lengths)).sum(axis=0)
# total += random.normal(0, noise_multiplier * clip, total.shape)
# weights -= rate * total / 1_000
#
# # Loop B
# drawn = random.random(4_000) < 0.25
# lengths = np.linalg.norm(gradients[drawn], axis=1, keepdims=True)
# total = (gradients[drawn] * np.minimum(1, clip / lengths)).sum(axis=0)
# total += random.normal(0, noise_multiplier * clip / 1_000, total.shape)
# weights -= rate * total / 1_000
#
# # Loop C
# drawn = random.random(4_000) < 0.25
# lengths = np.linalg.norm(gradients[drawn], axis=1, keepdims=True)
# total = (gradients[drawn] * np.minimum(1, clip / lengths)).sum(axis=0)
# total += random.normal(0, noise_multiplier * clip, total.shape)
# weights -= rate * total / drawn.sum()
# ```

# %% tags=["nbval-check-output"]
mistakes = ...  # {"A": "...", "B": "...", "C": "..."}

exercises.check("09-private-loops", mistakes)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Go through the loops line by line, side by side. Ask of each line: does it do to *one* image what
# the promise needs, whatever the others are?
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# mistakes = {
#     "A": "clip",  # one length for the whole batch: who else is there decides how long yours may be
#     "B": "noise",  # made for the mean, but added to the sum: a thousand times too small
#     "C": "division",  # by the size of the batch, which tells who is in it
# }
# ```
#
# </details>

# %% [markdown]
# ## 5. Going deeper: who was in it?
#
# Canaries are ours. What about the images of real people? **Membership inference** asks of each image
# whether a network has learned from it. The simple attack looks at the loss: members have a small
# one. The strong one, **LiRA** ([Carlini et al. 2022](https://arxiv.org/abs/2112.03570)), trains
# *shadow* networks with and without an image, and asks which of both the answer looks like: an image
# that is easy for everybody betrays nothing by being easy.
#
# Attacks are judged at the left edge of their curve: how many members are found while hardly anybody
# is accused in vain? For private training the accountant's claim puts a ceiling on the curve:
#
# $$ \text{found} \le e^\varepsilon \cdot \text{accused} + \delta $$

# %%
exercises.predict(
    "09-membership", study_results.membership_figure(), study_results.membership_table()
)

# %% [markdown]
# ## 6. Going deeper: hospitals that keep their images
#
# In **federated averaging** ([McMahan et al. 2017](https://arxiv.org/abs/1602.05629)) images stay
# where they are. In each round every hospital trains a copy of the network on its own images and
# sends the *change* of the weights; the mean of the changes is what everybody goes on with.

# %%
exercises.predict("09-hospitals", study_results.hospitals_figure())

# %% [markdown]
# ## 7. What does each head look at?
#
# The third problem. To judge a map of what a network looks at, one should know where it *ought* to
# look. So we paste a small digit into one quarter of a picture and a small garment into another, and
# train one trunk with two heads.

# %%
model = two_tasks.trained_model()
pictures = two_tasks.draw_pictures("test", 24, seed=0)
networks = {task: two_tasks.network_of(model, task) for task in ("digit", "garment")}

# %% [markdown]
# **Integrated gradients** ([Sundararajan et al. 2017](https://arxiv.org/abs/1703.01365)) walk from a
# *baseline* $x'$ that shows nothing, here a black picture, to the image $x$. On the way they average
# the gradient of a class's logit $F$:
#
# $$ A_i = (x_i - x'_i) \int_0^1 \frac{\partial F}{\partial x_i}\big(x' + t (x - x')\big)\, dt
# \qquad\text{so that}\qquad \sum_i A_i = F(x) - F(x') $$
#
# The map adds up to what it explains: that is **completeness**, and it can be checked. The gradient
# jumps on the way, wherever a ReLU opens or shuts; so the library takes as many steps as it needs to
# be complete up to a thousandth.

# %%
attributions, hits = {}, {}
for task, network in networks.items():
    classes = maps.answers(network, pictures.images)
    found = attribution.integrated_gradients(network, pictures.images, classes)
    errors = attribution.completeness_error(network, pictures.images, classes, found)
    print(f"{task:8} head: completeness error at most {errors.max():.0e}")
    attributions[task] = found
    hits[task] = attribution.pointing_game(np.abs(found), pictures.masks[task])

# %%
exercises.predict("09-heads", figures.heads(pictures.images[:8], attributions), hits=hits)

# %% [markdown]
# Blue speaks for the class that the head names, vermilion against it. Look at single pictures with
# other methods. What happens to the completeness error with few steps? And to the map when the
# baseline is white?

# %%
panels.what_a_head_looks_at()

# %% [markdown]
# And with words? The number of a word has no gradient, but its **embedding** has, the numbers that a
# network makes of it first. Below, the small language model of lesson 07 has a head for reviews of
# goods and one for restaurants. The way to a sentence leads from one in which no token says anything;
# a word's share is the sum over its numbers. Look for a sentence with a *not* in it: is the word
# behind it turned around, as a reader would turn it?

# %%
panels.what_a_word_weighs()

# %% [markdown]
# ### Exercise 4: Attributions that add up (medium, 10 minutes)


# %% tags=["nbval-check-output"]
def integrated(gradient, image, baseline, steps):
    """Return integrated gradients of a function, an array of the shape of `image`.

    `gradient(x)` gives the function's gradient at x. Average it at `steps` points between
    `baseline` and `image`, and multiply by what the formula says.
    """
    ...  # your code


exercises.check("09-completeness", integrated)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `places = (np.arange(steps) + 0.5) / steps` are points between 0 and 1, and
# `baseline + place * (image - baseline)` is the picture there.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def integrated(gradient, image, baseline, steps):
#     places = (np.arange(steps) + 0.5) / steps
#     slopes = [gradient(baseline + place * (image - baseline)) for place in places]
#     return (image - baseline) * np.mean(slopes, axis=0)
# ```
#
# </details>

# %% [markdown]
# ## 8. Can the map be believed?
#
# A map that looks right need not be right. [Adebayo et al. (2018)](https://arxiv.org/abs/1810.03292)
# proposed a test that any method should pass: if the network *forgets* what it has learned, its maps
# must change. Here it is done on chest phantoms: computed images, of which everything is known. How
# like two maps are is told by the rank correlation of their pixels' sizes, without the signs: 1 if
# both put all pixels into one order, 0 if the orders have nothing in common.

# %%
exercises.predict(
    "09-forgetting", study_results.forgetting_figure(), study_results.randomisation_table()
)

# %% [markdown]
# ### Exercise 5: Which map stays? (easy, 5 minutes)
#
# Read the figure above: for which of these methods are the maps of a network that has forgotten
# everything still more than a quarter like the old ones (similarity above one quarter)?

# %% tags=["nbval-check-output"]
stays = {  # True or False for each
    "gradient": ...,
    "SmoothGrad": ...,
    "integrated gradients": ...,
    "edges (asks no network)": ...,
}

exercises.check("09-survives", stays)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The right end of each curve counts, where all layers have forgotten.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# stays = {
#     "gradient": False,
#     "SmoothGrad": False,
#     "integrated gradients": True,
#     "edges (asks no network)": True,
# }
# ```
#
# </details>

# %% [markdown]
# A map is worth most where it tells you something that you did not want to hear. Train two networks
# on chest phantoms; to the second one the *device* tells who is ill.

# %%
shown = chest_maps.looked_at(chest_maps.new_patients(seed=0))
learned = {}
for name in chest_maps.LEARNED:
    (network,) = chest_maps.trained_networks(name, seeds=1)
    learned[name] = maps.METHODS["integrated gradients"](network, shown.images, shown.ill)

# %%
exercises.predict("09-letters", figures.chests(shown, learned), study_results.pointing_table())

# %% [markdown]
# ## Recap

# %%
exercises.score("09")

# %% [markdown]
# - Arithmetic is the currency of learning; compare ways by accuracy *and* cost, and drop what is
#   beaten in both. Frozen, transferred layers are cheap for everybody but the one who trained them.
# - Differential privacy promises that a network would have come out nearly the same without you:
#   clip each gradient, add noise, draw batches by coins, divide by the expected size.
# - Transfer makes privacy cheap: features from public images cost none.
# - An accountant gives an upper bound for correct code; an audit gives a lower bound for the code
#   that there is. Use both.
# - Keeping images at home is no promise: what is sent tells of them.
# - A map of what a head looks at must add up, must change when the network forgets, and should be
#   tried where you know the truth. Even then it tells where a network looks, not why.
#
# ## Where next
#
# [Lesson 10, Reports](10_report.ipynb): your own experiment, as a document to share.
