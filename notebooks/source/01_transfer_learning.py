# %% [markdown]
# # 01 Transfer learning
#
# <!-- badge -->
#
# About 100 minutes; 60 without what goes deeper. Afterwards you will be able to
#
# - copy the first layers of a trained network into a new one, freeze them, and say what that changes,
# - choose between a linear probe, fine-tuning, and one after the other,
# - tell from several seeds whether transfer helped, hurt, or made no clear difference,
# - avoid the three mistakes that Keras users report most often when they freeze layers.
#
# You need to know what a layer, a weight and a loss are. Run cell by cell (Shift+Enter), and answer
# each question before you go on: what comes out is shown after your click.

# %% tags=["setup"]
# The builder writes the setup cell.

# %% tags=["imports", "folded"]
# @title Imports
import keras
import numpy as np

import simmim_lib
from simmim_lib import datasets, exercises, freezing, trunks
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.foundation.intervals import difference
from simmim_lib.lessons.transfer_learning import panels, study_results
from simmim_lib.pictures import charts

# %% [markdown]
# ## 1. Two tasks
#
# Suppose you want to read handwritten digits, and you have labels for just ten pictures of each
# digit. That is your **target task**: what you care about, with few labels.
#
# A hundred pictures are not much to learn from. But it is easy to *make* pictures of characters: a
# program draws letters and digits in many fonts, shifts, rotates and stretches them, and knows each
# label, because it chose the character. That is a **source task**: not what you care about, but with
# plenty of labels.
#
# **Transfer learning** means: learn the source task first, keep part of what was learned, and carry
# on with the target task.

# %%
glyphs, digits = datasets.load("glyphs"), datasets.load("mnist")

# %% tags=["folded"]
# @title Ten images of each
images = np.concatenate([part.images[:10] for part in (glyphs.train, digits.train)])
names = [glyphs.class_names[label] for label in glyphs.train.labels[:10]]
names += [digits.class_names[label] for label in digits.train.labels[:10]]
charts.image_grid(
    images, names, "Ten drawn characters, the source, above ten handwritten digits, the target."
)

# %% [markdown]
# The source is above, the target below, each picture with its label. The target's network will see
# ten labelled pictures of each digit; the others are there to test it, and to ask *what if* we had
# more labels.

# %% tags=["nbval-check-output"]
for dataset in (glyphs, digits):
    print(
        f"{dataset.title}: {len(dataset.train):,} training images, {len(dataset.test):,} test "
        f"images, {len(dataset.class_names)} classes"
    )

# %% [markdown]
# ## 2. Learn the source task
#
# The network is small: three convolutions, each of which halves the picture's height and width, then
# a dense layer, then the **head**, which has one output (a *logit*) for each class. All layers but
# the head are called the **trunk** (elsewhere also *backbone* or *encoder*): it turns a picture into
# 128 numbers, its **features**.
#
# The next cell trains it on the glyphs.

# %%
keras.utils.set_random_seed(0)
network = trunks.add_head(trunks.build_trunk(), classes=len(glyphs.class_names))
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
network.compile(keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
history = network.fit(
    glyphs.train.images,
    glyphs.train.labels,
    batch_size=128,
    epochs=3,
    validation_data=(glyphs.test.images, glyphs.test.labels),
    verbose=0,
)

# %%
accuracy_by_pass = history.history["val_accuracy"]
exercises.predict(
    "01-first-pass", study_results.passes_figure(accuracy_by_pass), accuracy=accuracy_by_pass[0]
)

# %% [markdown]
# For everything below, the workbook keeps networks that were trained for longer, so that you do not
# have to wait for them.

# %%
source_model = pretrained("glyphs").as_model()
guessing = 1 / len(glyphs.class_names)
print(f"Reads {pretrained('glyphs').accuracy:.1%} of new glyphs (guessing: {guessing:.1%}).")
for layer in source_model.layers:
    print(f"{layer.name:15} gives {' x '.join(map(str, layer.output.shape[1:]))} numbers")

# %% [markdown]
# ## 3. Copy and freeze
#
# The source's head is of no use for the target: it has 47 outputs, and we need 10. The trunk may be
# useful. To transfer it,
#
# 1. build a network for the target, with fresh weights,
# 2. **copy** the weights of the first layers from the source,
# 3. **freeze** some of them: training leaves them as they are,
# 4. train the rest on the target's few labels.
#
# In formulas: let $\theta$ be the weights of the frozen layers, $\phi$ all the others. Training looks
# for
#
# $$ \min_\phi \; \frac{1}{n} \sum_{i=1}^{n} -\log p_{\theta, \phi}(y_i \mid x_i) $$
#
# with $\theta$ fixed at the values from the source task, and $\phi$ starting from copied or from
# fresh weights. Without transfer there is no $\theta$, and $\phi$ starts fresh: training **from
# scratch**.

# %%
target_model = trunks.add_head(trunks.build_trunk(), classes=10)
freezing.copy_layers(source_model, target_model, layers=4)
freezing.freeze(target_model, layers=2)

# %%
exercises.predict("01-frozen-share", study_results.layers_table(target_model), model=target_model)

# %% [markdown]
# Freezing and copying are plain Keras, a few lines each; you will write them in exercise 2. Let us
# see that frozen means frozen. One pass over a hundred labelled digits:

# %% tags=["nbval-check-output"]
task = datasets.few_shot("mnist", labels_per_class=10, seed=0)
before = [layer.get_weights() for layer in target_model.layers]
target_model.compile(keras.optimizers.Adam(2e-3), loss)
_ = target_model.fit(task.labelled.images, task.labelled.labels, verbose=0)
for layer, old in zip(target_model.layers, before, strict=True):
    if old:
        same = np.array_equal(layer.get_weights()[0], old[0])
        print(f"{layer.name:15} {'same to the last bit' if same else 'changed'}")

# %% [markdown]
# The rest of the workbook does the same with `simmim_lib.run`, which compiles the training once,
# trains several seeds side by side, and also trains from scratch with the same labels for
# comparison.

# %%
result = simmim_lib.run(simmim_lib.Settings(frozen_layers=2, seeds=3, budget="quick"))
for name, values in (("transfer", result.accuracy), ("scratch", result.baseline)):
    print(f"{name:8} accuracy of three seeds:", values["mnist"].round(3))
print("transfer - scratch, 95 % interval over three seeds:")
print(difference(result.accuracy["mnist"], result.baseline["mnist"]))

# %% [markdown]
# Each seed draws its own labelled pictures, and both ways of training get the same ones. So the
# fair comparison is *seed by seed*: the last line is the mean of the three differences. With three
# seeds its interval is wide. Conclusions below rest on ten.

# %% [markdown]
# ### Exercise 1: Count what is trained (easy, 5 minutes)
#
# "The first two layers" means: the first two of those that *hold weights*. `flatten` only reorders
# numbers, so neither the lesson nor its panels nor `freezing.freeze` count it. Try your function on
# `target_model`, too: with two layers frozen it has to agree with section 3.


# %% tags=["nbval-check-output"]
def trainable_parameters(model, frozen_layers):
    """Return how many weights of a Keras model are trained when its first layers are frozen.

    Count only layers that hold weights (`layer.weights` is not empty), in the order of
    `model.layers`; the first `frozen_layers` of these are frozen.
    """
    ...  # your code


exercises.check("01-trainable-parameters", trainable_parameters)

# %% [markdown]
# <details><summary>Hint</summary>
#
# First make a list of the layers that hold weights. A layer knows the number of its weights:
# `layer.count_params()`. A slice such as `layers[2:]` leaves the first two layers out.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def trainable_parameters(model, frozen_layers):
#     with_weights = [layer for layer in model.layers if layer.weights]
#     return sum(layer.count_params() for layer in with_weights[frozen_layers:])
# ```
#
# </details>

# %% [markdown]
# ### Exercise 2: Copy and freeze (medium, 10 minutes)


# %% tags=["nbval-check-output"]
def copy_and_freeze(source_model, target_model, frozen_layers):
    """Copy the weights of the first `frozen_layers` layers into `target_model` and freeze them.

    Count only layers that hold weights, as in exercise 1. Change `target_model` itself; leave the
    source model and all other layers as they are.
    """
    ...  # your code


exercises.check("01-freeze-and-copy", copy_and_freeze)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Walk through both lists of layers at once: `zip(source_model.layers, target_model.layers)`. Skip
# the pairs without weights.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `layer.get_weights()` gives copies of a layer's arrays, `layer.set_weights(...)` takes them, and
# `layer.trainable = False` freezes the layer.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def copy_and_freeze(source_model, target_model, frozen_layers):
#     layers = zip(source_model.layers, target_model.layers)
#     with_weights = [pair for pair in layers if pair[0].weights]
#     for source_layer, target_layer in with_weights[:frozen_layers]:
#         target_layer.set_weights(source_layer.get_weights())
#         target_layer.trainable = False
# ```
#
# </details>

# %% [markdown]
# ## 4. How many layers should be frozen?
#
# The panel that you will see trains networks from three seeds for each number of frozen layers, while
# you watch; so that you need not wait, for fewer steps than usual. The answer comes from ten seeds
# that were trained for longer.

# %%
settings = simmim_lib.Settings(budget="quick", steps=72)
exercises.predict("01-depth", panels.frozen_layers(settings))

# %% [markdown] tags=["quoted"]
# ## 5. Going deeper: three famous curves
#
# [Yosinski et al. (2014)](https://arxiv.org/abs/1411.1792) asked a cleaner question. They had plenty
# of labels for *both* tasks, copied only the first $n$ layers of a network with eight, and gave all
# later layers fresh weights. They found three shapes that have been quoted ever since:
#
# - **Dip.** Source and target are the *same* task, copies frozen. You would expect no loss. Yet in
#   the middle the accuracy dipped from 62.5 to 59.4 per cent: layers had *co-adapted*, each to the
#   others, and fresh later layers could not learn to fit the copied ones again.
# - **Decline.** Another task, copies frozen: the more layers, the worse, down to 54.3 per cent,
#   because later layers are specific to their task.
# - **Fine-tuned above base.** Another task, copies trained further: 63.7 to 64.7 per cent, better
#   than from scratch however many layers were copied.

# %%
exercises.predict("01-three-shapes", *study_results.copied_layers_compared())

# %% [markdown]
# ## 6. Probe, fine-tune, or one after the other
#
# Freeze the *whole* trunk and train the head only: that is a **linear probe**, *probe* for short. It
# asks how much the features already know. **Fine-tuning** trains everything. There is a snag: at the
# start the head is fresh, its errors are large and random, and the first steps send them back into
# the good trunk and distort it. [Kumar et al. (2022)](https://arxiv.org/abs/2202.10054) therefore
# **probe, then fine-tune**: train the head first, unfreeze the trunk afterwards.

# %%
exercises.predict("01-probe-or-fine-tune", *study_results.ways_compared())

# %% [markdown]
# ## 7. Going deeper: gentler ways to fine-tune
#
# Practitioners ask for two more, both proposed for language models by
# [Howard and Ruder (2018)](https://arxiv.org/abs/1801.06146):
#
# - **Smaller steps for copied layers.** The head learns at the usual rate, the copied layers at a
#   fraction of it: `Settings(trunk_learning_rate=0.1)`.
# - **Gradual unfreezing.** First train the head alone; then, with each further part of the steps,
#   one more layer, from the last to the first: `Settings(adaptation="gradual-unfreezing")`.

# %%
exercises.predict("01-gentler", *study_results.gentle_ways_compared())

# %% [markdown]
# ### Exercise 3: Plan a fair comparison (medium, 5 minutes)
#
# "With five labels per class, gradual unfreezing reads UCI digits better than plain fine-tuning,"
# somebody says, after these two runs:
#
# ```python
# Settings(source="glyphs", targets=("uci-digits",), labels_per_class=5, steps=240, seeds=10,
#          adaptation="gradual-unfreezing", trunk_learning_rate=0.1)
# Settings(source="glyphs", targets=("uci-digits",), labels_per_class=5, steps=120, seeds=3,
#          adaptation="fine-tune")
# ```
#
# Keep the first. Which run must it be compared with, so that a difference is due to gradual
# unfreezing, and to nothing else?

# %% tags=["nbval-check-output"]
opponent = ...  # simmim_lib.Settings(...)

exercises.check("01-fair-comparison", opponent)

# %% [markdown]
# <details><summary>Hint</summary>
#
# In how many fields do the two differ? Of the differences only one may stay.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# opponent = simmim_lib.Settings(
#     source="glyphs",
#     targets=("uci-digits",),
#     labels_per_class=5,
#     steps=240,
#     seeds=10,
#     adaptation="fine-tune",
#     trunk_learning_rate=0.1,
# )
# ```
#
# </details>

# %% [markdown]
# ## 8. Few labels and many
#
# Ten labels per class were an example. Here are the same digits with one label per class, and with
# fifty.

# %%
exercises.predict("01-how-many-labels", *study_results.few_labels_compared())

# %% [markdown]
# ## 9. When transfer hurts
#
# Fashion-MNIST has ten classes of clothes, in pictures of the same size and kind as the digits, and
# more pictures than our part of MNIST. A network trained on it has surely learned to see.

# %%
exercises.predict("01-negative-transfer", *study_results.negative_transfer_compared())

# %% [markdown]
# ### Exercise 4: Did transfer hurt? (medium, 10 minutes)


# %% tags=["nbval-check-output"]
def difference_and_half_width(transfer, scratch):
    """Return the mean of transfer - scratch, and the half width of its 95 % interval.

    The arrays hold the accuracies of the same seeds in the same order, so they form pairs. With
    few seeds the interval comes from Student's t.
    """
    ...  # your code


exercises.check("01-negative-transfer", difference_and_half_width)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Subtract first: one difference for each seed. Their standard deviation, with `ddof=1`, divided by
# the square root of the number of seeds is the standard error of their mean.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `scipy.stats.t.ppf(0.975, degrees_of_freedom)` gives the quantile that a 95 % interval needs on
# either side. The degrees of freedom are the number of pairs minus one.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# import numpy as np
# from scipy import stats
#
#
# def difference_and_half_width(transfer, scratch):
#     differences = transfer - scratch
#     count = len(differences)
#     standard_error = differences.std(ddof=1) / np.sqrt(count)
#     return differences.mean(), stats.t.ppf(0.975, count - 1) * standard_error
# ```
#
# </details>

# %% [markdown]
# ## 10. Going deeper: can you tell in advance?
#
# To find out which source helps, you could try them all. With large networks that is expensive. A
# **transferability score** passes the labelled target images through the source network once and
# predicts which source will serve them best. Nothing is trained.
#
# - **Nearest neighbours**: how often does the most similar other image, measured in the *features* of
#   the source, have the same label?
# - [**LEEP**](https://arxiv.org/abs/2002.12462): let the source network name the target images by
#   its own classes ("this 7 looks like a z"). How well does the source's class $z$ predict the label
#   $y$? With $P(y \mid z)$ estimated from the labelled images and $P(z \mid x)$ the probability that
#   the source gives to $z$,
#
#   $$ \text{LEEP} = \frac{1}{n} \sum_{i=1}^{n} \log \sum_z P(y_i \mid z)\, P(z \mid x_i) $$
#
# - [**H-score**](https://arxiv.org/abs/2212.10082): how much of the features' variance lies
#   *between* the classes?
# - [**LogME**](https://arxiv.org/abs/2102.11005): how probable are the labels under a linear model
#   of the features, averaged over all such models (the log *marginal likelihood*, or evidence)?

# %%
exercises.predict("01-scores", *study_results.scores_compared())

# %% [markdown]
# ### Exercise 5: A score before training (hard, 15 minutes)


# %% tags=["nbval-check-output"]
def leep(probabilities, labels):
    """Return the LEEP score, a natural logarithm, of a source model for a target task.

    `probabilities` has one row per image and one column per source class, as the source model
    predicts them. `labels` are the target classes. Build P(target class, source class) from both,
    turn it into P(target class | source class), and use it to give every image the probability of
    its own label; the score is the mean of the logarithms.
    """
    ...  # your code


exercises.check("01-leep", leep)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# With one-hot labels (one row per image) the joint table is
# `one_hot.T @ probabilities / len(labels)`: a row for each target class, a column for each source
# class. All its entries add up to 1.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# P(target class | source class) is that table divided by its column sums.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# import numpy as np
#
#
# def leep(probabilities, labels):
#     one_hot = np.eye(labels.max() + 1)[labels]
#     joint = one_hot.T @ probabilities / len(labels)
#     target_given_source = joint / joint.sum(axis=0)
#     own_label = (target_given_source[labels] * probabilities).sum(axis=1)
#     return np.log(own_label).mean()
# ```
#
# </details>

# %% [markdown]
# ## 11. Going deeper: what Keras users ask most
#
# **"I froze a layer after `compile`. Why does it still learn?"**
# ([keras#13404](https://github.com/keras-team/keras/issues/13404)) `fit` builds its training step
# once and keeps it. Which layers are trained is settled at that point. Change `trainable` later, and
# nothing happens until you `compile` again.


# %% tags=["nbval-check-output"]
def kernel_moves(model):
    before = model.layers[0].get_weights()[0]
    model.fit(np.ones((8, 3)), np.ones(8), verbose=0)
    return not np.array_equal(before, model.layers[0].get_weights()[0])


small = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.Dense(1)])
small.compile("sgd", "mse")
print("trained:                     moves", kernel_moves(small))
small.layers[0].trainable = False
print("frozen, not compiled again:  moves", kernel_moves(small))
small.compile("sgd", "mse")
print("frozen and compiled again:   moves", kernel_moves(small))

# %% [markdown]
# **"I froze a layer in one model, and now it is frozen in the other."**
# ([keras#3804](https://github.com/keras-team/keras/issues/3804)) A layer that belongs to two models
# is *one* object, with one `trainable` and one set of weights. Copy the weights into a separate
# layer, as `freezing.copy_layers` does, or clone the model.

# %% tags=["nbval-check-output"]
other = keras.Sequential([small.layers[0], keras.layers.Dense(4)])
other.layers[0].trainable = True
print("unfrozen in one, trainable in the other:", small.layers[0].trainable)

# %% [markdown]
# **"My BatchNormalization layer is frozen, and its mean still moves."**
# ([keras#4762](https://github.com/keras-team/keras/issues/4762),
# [#7085](https://github.com/keras-team/keras/issues/7085),
# [#9214](https://github.com/keras-team/keras/issues/9214)) This layer keeps a running mean and
# variance, which no gradient changes: just *seeing* data in training mode moves them. In old
# versions freezing did not stop that. In today's Keras `trainable = False` does, and the layer then
# also normalises by its stored mean and variance. Leaving the layer out of the gradients does not
# stop it, nor does a learning rate of zero.


# %% tags=["nbval-check-output"]
def running_mean_moves(trainable):
    layer = keras.layers.BatchNormalization()
    layer.trainable = trainable
    layer(np.ones((8, 3)), training=True)  # a look at the data: no loss, no gradient, no optimizer
    return bool(np.any(layer.moving_mean.numpy() != 0))


print("frozen:     moves", running_mean_moves(trainable=False))
print("not frozen: moves", running_mean_moves(trainable=True))

# %% [markdown]
# So when you unfreeze such a network to fine-tune it, freeze its BatchNormalization layers again, or
# call the trunk with `training=False`. The workbook's network has none: with a hundred images, the
# mean of a batch is a poor estimate anyway.

# %% [markdown]
# ## Recap

# %%
exercises.score("01")

# %% [markdown]
# - Transfer: learn a source task, copy the first layers, freeze some, train the rest on the target.
# - First layers are general, later ones specific to their task: frozen, they hurt when source and
#   target differ; fine-tuned, they are a good start.
# - Let the head learn before the trunk moves: probe, then fine-tune; better still, unfreeze layer by
#   layer with small steps.
# - Transfer pays where labels are few. It can also hurt, and a source that looks rich is no
#   guarantee.
# - A score before training is a hint, not a measurement. Try it, over several seeds, and compare seed
#   by seed with training from scratch.
# - In Keras: set `trainable`, then `compile`; copy weights, do not share layers; mind
#   BatchNormalization.
#
# ## Where next
#
# [Lesson 02, The loss formula](02_loss_formula.ipynb), takes the loss apart: what happens if you
# minimise the article's formula as printed?
