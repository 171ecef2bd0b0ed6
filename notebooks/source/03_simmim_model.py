# %% [markdown]
# # 03 The SimMIM model
#
# <!-- badge -->
#
# About 60 minutes, exercises included. Afterwards you will be able to
#
# - say what the article's network is, where its parameters sit, and what it lacks,
# - build one network with several heads, one for each task, train it, save it and load it,
# - write its loss, and say how much information a given cross-entropy stands for,
# - tell where one network for several tasks beats separate ones, and where it does not,
# - choose an optimizer, and put in a trunk and images of your own.
#
# You need lesson 01 (copy and freeze) and the cross-entropy of lesson 02. Run all cells first
# (*Run > Run All Cells*, about a minute), then read from here.

# %% tags=["setup"]
# The builder writes the setup cell.

# %% tags=["imports"]
import json
import tempfile
from collections import Counter
from pathlib import Path

import keras
import numpy as np
import scipy.stats
import tensorflow as tf
from PIL import Image, ImageOps

import simmim_lib
from simmim_lib import datasets, exercises, experiments, freezing, losses, simmim, trunks
from simmim_lib.foundation.directories import data_directory
from simmim_lib.foundation.intervals import difference, mean_and_interval
from simmim_lib.lessons.simmim_model import figures, panels, photographs, studies
from simmim_lib.lessons.transfer_learning.panels import frozen_layers
from simmim_lib.pictures import charts
from simmim_lib.pictures.style import Picture, new_figure, styled
from simmim_lib.studies import stored

# %% [markdown]
# ## 1. What the article built
#
# The article shows a network in Keras and says about it: "In this model we used two convolutional
# layers and two fully connected layers. This is only a simple example; the actual model may be more
# complex" (our translation). `trunks.article_network` is the same network, rewritten.
#
# **Predict.** What share of its parameters sits in the convolution?
#
# - (a) more than half: it does the seeing
# - (b) about one in ten
# - (c) less than one in a thousand

# %% tags=["nbval-check-output"]
article = trunks.article_network()
by_hand = {
    "convolution": 3 * 3 * 1 * 32 + 32,  # a 3 x 3 window, 1 channel, 32 filters, 32 biases
    "dense": 26 * 26 * 32 * 64 + 64,  # every number of every map to every unit
    "head": 64 * 10 + 10,
}
print("layer         gives           by code      by hand")
for layer in article.layers:
    count, counted = layer.count_params(), by_hand.get(layer.name, 0)
    print(f"{layer.name:13} {layer.output.shape[1:]!s:13} {count:9,}    {counted:9,}")
convolutions = [layer for layer in article.layers if isinstance(layer, keras.layers.Conv2D)]
print(f"convolutions: {len(convolutions)}, parameters: {article.count_params():,}")

# %% [markdown]
# **Explain.** (c). And there is **one** convolution; the text says two. A picture of 28 by 28 pixels
# has 26 by 26 places for a window of 3 by 3, so the convolution gives 26 · 26 · 32 numbers, and each
# of them is connected to each of the 64 units. Flattening a large feature map into a dense layer is
# what makes a network heavy. The workbook's network, which you know from lesson 01, halves the
# picture three times before it flattens. It has two more convolutions and far fewer parameters:


# %%
@styled
def parameter_bars(networks):
    axes = new_figure(8, 2.6).add_axes((0.2, 0.22, 0.76, 0.66))
    colours = {"conv": "darkgrey", "dens": "white", "head": "black"}
    described = []
    for row, (name, network) in enumerate(networks.items()):
        left = 0
        for layer in (layer for layer in network.layers if layer.weights):
            colour, count = colours[layer.name[:4]], layer.count_params()
            axes.barh(row, count, left=left, height=0.5, color=colour, edgecolor="black")
            left += count
            described.append(f"{name}, {layer.name}: {count:,}")
        axes.text(left, row, f"  {left:,}", va="center")
    axes.set(yticks=range(len(networks)), yticklabels=networks, xlim=(0, 1_700_000))
    axes.set(xlabel="parameters", title="Convolutions grey, dense layer white, head black")
    axes.locator_params(axis="x", nbins=5)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    return Picture(axes.figure, "Parameters by layer. " + "; ".join(described) + ".")


ours = trunks.add_head(trunks.build_trunk(), classes=10)
parameter_bars({"the workbook's": ours, "the article's": article})

# %% [markdown]
# In the article's bar the convolution and the head are no wider than the outline.
#
# Now the article's training loop, rewritten, on a hundred labelled digits. It takes the gradient of
# each batch's loss from a *tape*, and plain gradient descent takes a step.
#
# **Predict.** The learning rate is the article's, `0.01`; five passes over the images. How many test
# digits will it read correctly?
# - (a) about one in ten, no better than guessing
# - (b) around half
# - (c) nearly all


# %%
def train_as_in_the_article(network, images, labels, passes):
    optimizer = keras.optimizers.SGD(learning_rate=0.01)
    one_hot = tf.one_hot(labels, 10)
    for _ in range(passes):
        for start in range(0, len(images), 10):
            batch = slice(start, start + 10)
            with tf.GradientTape() as tape:
                logits = network(images[batch])
                each = tf.nn.softmax_cross_entropy_with_logits(one_hot[batch], logits)
                loss = tf.reduce_mean(each)
            gradients = tape.gradient(loss, network.trainable_variables)
            optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))


for seed in range(3):
    digits = datasets.few_shot("mnist", labels_per_class=10, seed=seed)
    article.set_weights(trunks.fresh_weights(article, seed))
    train_as_in_the_article(article, digits.labelled.images, digits.labelled.labels, passes=5)
    guesses = article.predict(digits.test.images, verbose=0).argmax(axis=1)
    print(f"seed {seed}: {np.mean(guesses == digits.test.labels):.0%} right (guessing: 10%)")

# %% [markdown]
# **Explain.** (b). Now compare the code with what the article says about its method:
#
# - The loop minimises the **cross-entropy**, reading (b) of lesson 02, and not the formula that the
#   article prints. Luckily.
# - The class is called `SimMIM`, but it has **one** head. Nothing is copied, nothing is frozen, and
#   there is only one task. So the article's program contains nothing of the article's method.
# - Each step is driven from Python, batch by batch. The workbook compiles all steps into one loop
#   and trains several seeds in it side by side. How much time does that save? Here is a stored
#   comparison on the workbook's network, with the same updates in both loops:

# %%
bench = json.loads((data_directory() / "results" / "bench.json").read_text("utf-8"))
for row in bench["rows"]:
    if "article's loop" in row["what"]:
        print(f"{row['what']}: {row['measured']} ({bench['cores']} processor cores)")

# %% [markdown]
# ## 2. One trunk, several heads
#
# The article expands SimMIM as *Simultaneous Multivariate Information Maximization*. (The
# [SimMIM of CVPR 2022](https://arxiv.org/abs/2111.09886) is masked image modelling and shares only
# the name; a later lesson covers it.) The words ask for this:
#
# - **simultaneous**: several target tasks are learned at once, by one network,
# - **multivariate**: there are several outputs, one for each task,
# - **information maximization**: each output should tell as much as possible about its label.
#
# Training one network on several tasks is known as **multi-task learning**. Take two tasks: the
# handwritten digits of MNIST, and those of another collection, UCI. Both go through the same
# **trunk** (*hard parameter sharing*); each task has its own **head**.

# %% tags=["nbval-check-output"]
targets = ("mnist", "uci-digits")
few = {name: datasets.few_shot(name, labels_per_class=5, seed=0) for name in targets}
tasks = [simmim_lib.Task(name, few[name].class_names) for name in targets]
keras.utils.set_random_seed(0)
model = simmim_lib.SimMIM(trunks.build_trunk(), tasks)
images = {name: few[name].labelled.images for name in targets}
labels = {name: few[name].labelled.labels for name in targets}
logits = model(images)
for name in targets:
    print(f"{name}: images {images[name].shape} -> logits {tuple(logits[name].shape)}")
print("parameters of the trunk and of each head:", *(x.count_params() for x in model.layers))

# %%
shown = np.concatenate([images[name][::5] for name in targets])  # one of the five of each digit
captions = [str(label) for name in targets for label in labels[name][::5]]
charts.image_grid(shown, captions, "The ten digits of MNIST above the ten digits of UCI.")

# %% [markdown]
# MNIST is above; below is UCI, whose digits are stored at 8 by 8 pixels and were enlarged. Each task
# has its cross-entropy, the mean over its own images. Training needs *one* number to make smaller,
# so the two are multiplied by **weights** and added: here MNIST counts fully, UCI half.

# %% tags=["nbval-check-output"]
weights = {"mnist": 1.0, "uci-digits": 0.5}
total = 0.0
for name in targets:
    task_loss = np.mean(losses.cross_entropy(labels[name], logits[name]))
    total += weights[name] * task_loss
    print(f"{name:10}  loss {task_loss:.2f}  times {weights[name]}")
print(f"joint loss  {total:.2f}")

# %% [markdown]
# For tasks $t$ with weights $w_t$ and labelled images $B_t$ the **joint loss** is
#
# $$L = \sum_t w_t L_t, \qquad L_t = \frac{1}{|B_t|}\sum_{(x,y)\in B_t} -\log p_t(y \mid x)$$
#
# Where is the *information* in that? Before we see an image, its label holds $H(Y)$ nats of
# surprise: $\log 10$ for ten equally frequent digits. Once we have seen the image and guess with the
# network's $p$, the average surprise that is left is the cross-entropy. The difference is what
# looking at the image has told us. It is at most what the image really holds, because a better
# network might read more from it:
#
# $$I(X;Y) \;\ge\; H(Y) - \text{cross-entropy}$$
#
# ([Barber and Agakov, 2003](https://papers.neurips.cc/paper_files/paper/2003/hash/a6ea8471c120fe8cc35a2954c9b9c595-Abstract.html).)
# So **minimising cross-entropy is maximising information about the labels**, and the article's wish
# has a loss after all, just not the one it printed. Section 4 puts a number on it.

# %% [markdown]
# ### Exercise 1: Count the parameters (easy, 5 minutes)


# %% tags=["nbval-check-output"]
def joint_parameters(trunk, classes, tasks, shared_head):
    """Return how many parameters a SimMIM model has, for `tasks` tasks of `classes` classes each.

    `trunk` is a Keras model from images to features. A head is a dense layer with biases that has
    an output for each class; with `shared_head` all tasks use the same one.
    """
    ...  # your code


exercises.check("03-count-parameters", joint_parameters)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `trunk.count_params()` counts those of the trunk, and `trunk.output_shape[-1]` is the number of
# features. A dense layer has a weight for each pair of input and output, and a bias for each output.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def joint_parameters(trunk, classes, tasks, shared_head):
#     features = trunk.output_shape[-1]
#     head = features * classes + classes
#     return trunk.count_params() + (1 if shared_head else tasks) * head
# ```
#
# </details>

# %% [markdown]
# ### Exercise 2: Every image counts the same (medium, 5 minutes)
#
# In the joint loss each $L_t$ is a mean over the task's own images. With weights of 1 the tasks
# count the same, and so one image of a small task counts more than one of a large task. Choose
# weights with which the joint loss is the mean of the cross-entropies of *all* images, whatever
# their task.


# %% tags=["nbval-check-output"]
def equal_images(labels):
    """Return the weight of each task, a dictionary; `labels` has each task's labels, (n,)."""
    ...  # your code


exercises.check("03-equal-images", equal_images)

# %% [markdown]
# <details><summary>Hint</summary>
#
# With weight $w_t$ and $n_t$ images, each image of the task counts $w_t / n_t$. That has to be the
# same for all tasks, and $1 / \sum_t n_t$ for the mean over all images.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def equal_images(labels):
#     count = sum(len(of_task) for of_task in labels.values())
#     return {name: len(of_task) / count for name, of_task in labels.items()}
# ```
#
# </details>

# %% [markdown]
# ## 3. Four steps
#
# The article describes its method in four steps: choose tasks, initialise a model on the source,
# transfer its first layers, maximise the information of all tasks. Here each step is a function.
# `Settings` says what you want; three seeds are trained side by side.
#
# **Step 1, choose tasks.** Two targets, each with five labelled images of each digit.

# %% tags=["nbval-check-output"]
settings = simmim_lib.Settings(
    source="glyphs",
    targets=targets,
    task_weights=(1.0, 0.5),
    labels_per_class=5,
    frozen_layers=2,
    seeds=3,
    budget="quick",
)
chosen = experiments.choose_tasks(settings)
for name, target in chosen.items():
    sizes = [(len(choice.labelled), len(choice.validation)) for choice in target.choices]
    print(f"{name}: (labelled, validation) images of each seed {sizes}")

# %% [markdown]
# **Step 2, initialise.** A network trained on the source. The workbook keeps one that was trained on
# glyphs (letters and digits drawn from fonts), so this takes no time.

# %%
source = experiments.initialise(settings)
print(f"{source.source}: reads {source.accuracy:.1%} of new images (guessing: {1 / 47:.1%})")

# %% [markdown]
# **Step 3, transfer.** The trunk's layers are copied and the first two frozen; a frozen layer always
# gives the same output for the same image, so its output is computed once, now. Each task gets a
# fresh head.
#
# **Predict.** In the model that is left to train, which weights come from the source?
#
# - (a) all
# - (b) those of the trunk, not those of the heads
# - (c) none: all copied weights are frozen

# %% tags=["nbval-check-output"]
network = experiments.transfer(settings, chosen, source)
for weight, start in zip(network.model.weights, network.weights, strict=True):
    same = any(np.array_equal(start[0], copy) for copy in source.trunk_weights)
    origin = "from the source" if same else "fresh"
    print(f"{weight.path:24} {start.shape!s:20} {origin}")

# %% [markdown]
# **Explain.** (b). The first number of each shape is the number of seeds. The two frozen layers are
# missing here; two copied layers continue to be trained, and two heads start fresh (their biases at
# zero).
#
# **Step 4, maximise information.** The joint loss is minimised. The function yields the weights
# after every few steps, so that we can follow the accuracy on validation images.

# %%
done = [0]
steps = experiments.maximise_information(
    settings, chosen, network, lambda step, total: done.append(step)
)
for now in [network.weights, *steps]:
    accuracies = experiments.validate(chosen, network, now)
    columns = "   ".join(mean_and_interval(accuracies[name], digits=2) for name in targets)
    print(f"{done.pop(0):4} steps   {columns}")
print("validation accuracy of", " and ".join(targets), "over three seeds; guessing: 0.10")

# %% [markdown]
# `simmim_lib.run(settings)` takes all four steps, then tests the network. It is the `run` of lesson
# 01, where there was only one target.
#
# ## 4. As a Keras model
#
# For your own project you will want a `keras.Model`. `simmim_lib.SimMIM` is one: `compile`, `fit`,
# `evaluate`, `predict`, callbacks and `save` work as you know them, with dictionaries by task. In
# `compile` each task gets the loss and the metric of its kind:
#
# | `Task(..., kind=...)` | labels | loss | metric |
# |---|---|---|---|
# | `"classification"` | the number of the class | cross-entropy | accuracy |
# | `"multi-label"` | 0 or 1 for each label | binary cross-entropy | accuracy |
# | `"regression"` | numbers | squared error | mean absolute error |
#
# Arrays must have the same length for all tasks; the batches of a `tf.data.Dataset` need not.
#
# First copy and freeze, then compile: Keras reads `trainable` when it compiles.

# %%
glyphs_model = source.as_model()
freezing.copy_layers(glyphs_model, model.trunk, layers=4)
freezing.freeze(model.trunk, layers=2)
model.compile(keras.optimizers.Adam(2e-3), loss_weights=weights)
model.summary()

# %%
same_number = 350  # arrays for `evaluate` must be equally long
test_images = {name: few[name].test.images[:same_number] for name in targets}
test_labels = {name: few[name].test.labels[:same_number] for name in targets}


def information(model):
    """Return for each task H(Y) minus the cross-entropy of the test images, in nats."""
    found = {}
    for name, logits in model.predict(test_images, verbose=0).items():
        entropy = scipy.stats.entropy(np.bincount(test_labels[name]))
        found[name] = entropy - np.mean(losses.cross_entropy(test_labels[name], logits))
    return found


before = information(model)
_ = model.fit(images, labels, batch_size=25, epochs=40, verbose=0)
scores = model.evaluate(test_images, test_labels, verbose=0, return_dict=True)
print({name: round(value, 2) for name, value in scores.items()})

# %% [markdown]
# `evaluate` reports the joint loss, each task's loss and each task's accuracy. Now the number that
# section 2 promised: how much do we know about a label, at least, once the network has seen the
# image?
#
# **Predict.** All there is to know is $\log 10$, a little more than two nats. How much of it does
# the network extract with fresh heads?
#
# - (a) nothing, or less than nothing
# - (b) about half
# - (c) nearly all, because its trunk was trained on glyphs

# %%
after = information(model)
for name in targets:
    print(f"{name:10}  fresh heads {before[name]:+.2f} nats, trained {after[name]:+.2f} nats")
print(f"at most               {np.log(10):+.2f} nats")

# %% [markdown]
# **Explain.** (a). Fresh heads are worse than an honest "each digit is equally likely", so the bound
# is below zero and says nothing: a bound may be loose. After training it says how many nats the
# network extracts *at least* (as far as these test images can tell). Confidence counts, too: by this
# measure a network that is often right, but too sure of its mistakes, extracts little.
#
# Save and load. The file holds the layers, the weights, the tasks and the compile settings. It must
# not contain code: a file that does is refused (`safe_mode`).

# %% tags=["nbval-check-output"]
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "digits.keras")
    model.save(path)
    again = simmim.load(path)
old, new = model.predict(images, verbose=0), again.predict(images, verbose=0)
for name in targets:
    print(f"{name}: same answers {np.allclose(old[name], new[name], atol=1e-6)}")
print("tasks:", [(task.name, task.kind, len(task.class_names)) for task in again.tasks])

# %% [markdown]
# **A shared head.** The labels of the two tasks mean the same thing: a 3 is a 3. `shared_heads=True`
# gives tasks with the same class names a single head. It learns from the labels of both, and the
# model has fewer parameters than with two heads.

# %% tags=["nbval-check-output"]
for shared in (False, True):
    joint = simmim_lib.SimMIM(trunks.build_trunk(), tasks, shared_heads=shared)
    heads = [layer.name for layer in joint.layers[1:]]
    print(f"{joint.count_params():,} parameters, heads: {', '.join(heads)}")
print(f"{2 * ours.count_params():,} parameters in two separate networks")

# %% [markdown]
# ### Exercise 3: A head for a new task (hard, 15 minutes)
#
# A SimMIM model is in use, and now somebody wants to add a task. The old answers must not change.


# %% tags=["nbval-check-output"]
def add_task(model, task):
    """Return a new SimMIM model with the tasks of `model` and `task`, a `simmim_lib.Task`.

    For the old tasks it answers as `model` does. `model` itself stays as it is, even when the new
    model is trained later. No head is shared.
    """
    ...  # your code


exercises.check("03-new-task", add_task)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `keras.models.clone_model(model.trunk)` builds the same layers with new weights. They are fresh, so
# copy the values.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `model.layers` holds the trunk, then the heads, which have names such as `head_digits`. In the new
# model the heads of the old tasks have the same names.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def add_task(model, task):
#     trunk = keras.models.clone_model(model.trunk)
#     extended = simmim_lib.SimMIM(trunk, [*model.tasks, task])
#     for old in model.layers:  # the trunk, and each head
#         for new in extended.layers:
#             if new.name == old.name:
#                 new.set_weights(old.get_weights())
#     return extended
# ```
#
# </details>

# %% [markdown]
# ## 5. Try it
#
# **Predict.** Two collections of digits, five labels per class, one head each. The joint network has
# half as many parameters as two separate ones. Compared with theirs, its accuracy will be
#
# - (a) higher: it sees twice as many images
# - (b) about the same
# - (c) clearly lower: the tasks get in each other's way

# %%
panels.simmim()

# %% [markdown]
# **Explain.** With three seeds all you can say is (b): the markers for joint (filled) and separate
# (hollow) lie close together, and the bars overlap. Now try:
#
# - *Heads* shared: which target moves, and which way?
# - *Labels* of the first target 2, of the others 50, heads shared: which target helps which?
# - *Weight* of one target 0: it is still there, but nothing is learned from its labels.
# - *Targets* MNIST and Fashion: what could a shirt teach a 7?
#
# A panel with three seeds is for exploring. An answer takes a study.

# %% [markdown]
# ## 6. Joint or separate?
#
# The article says that SimMIM "can make better use of limited data", because it transfers among
# several tasks at once, while "traditional transfer learning usually transfers knowledge between two
# tasks only" (our translation). It gives no measurement. Here is ours: three groups of targets, the
# same number of labels for each target, 20 seeds, always from glyphs with two layers frozen. For
# each target the joint network is compared with a separate one, seed by seed: same images, same
# batches, same number of steps.
#
# **Predict.** Each task has its own head. In how many of the 28 comparisons does joint training show
# a gain?
#
# - (a) in most of them
# - (b) in about a third
# - (c) in none

# %%
joint_study = stored.load("joint")
joint_gains = studies.gains(joint_study)
figures.gains(joint_gains, f"Joint minus separate, 20 seeds (budget {joint_study.budget})")


# %% tags=["nbval-check-output"]
def print_rows(title, columns, gains, name_of):
    """Print a line for each name, with the difference and its verdict in each column."""
    print(f"{title:54}" + "".join(f"{column:6}{'':12}" for column in columns))
    rows = {}
    for gain in gains:
        rows.setdefault(name_of(gain), []).append(gain.difference)
    for name in sorted(rows):
        print(f"{name:54}", end="")
        for found in rows[name]:
            word = found.verdict if found.verdict in ("gain", "loss") else "-"
            print(f"{found.size:>12} {word:5}", end="")
        print()


def heads_of(gain):
    return "shared head" if gain.settings.shared_heads else "own heads"


print_rows(
    "joint minus separate, in points; labels per class:",
    (2, 5, 10, 50),
    joint_gains,
    lambda gain: f"{heads_of(gain):12}{gain.target:11}of {', '.join(gain.settings.targets)}",
)

# %% tags=["nbval-check-output"]
verdicts = Counter((heads_of(gain), gain.difference.verdict) for gain in joint_gains)
for (heads, verdict), number in sorted(verdicts.items()):
    print(f"{heads}: {number} x {verdict}")

# %% [markdown]
# A dash means no clear difference. **Explain.** (c): with separate heads (*own heads* in the lists),
# **no comparison shows a gain**, and many show a small loss. So the article's claim is not confirmed
# here. (Of so many intervals, one or two exclude zero by chance; that does not explain so many
# losses and not one gain.) What joint training does give you is one network in place of two or
# three, and nearly as good.
#
# A **shared head** is another matter. With two labels per class both collections of digits gain,
# even when Fashion is trained along with them. With five only UCI still gains, with ten only without
# Fashion, and with 50 neither; there MNIST loses a little. A likely reason: a separate head still
# learns from its own few labels only, and the trunk, which comes from glyphs, already knows strokes.
# A shared head gets *more labels for the same question*.
#
# If that is right, the gain should be larger where one task has many labels and the other few.
#
# **Predict.** MNIST has 2 labels per class, UCI has 50. The shared head's gain on MNIST, compared
# with the one you have just seen for 2 and 2, is
#
# - (a) smaller: UCI drowns it
# - (b) about the same
# - (c) larger

# %% tags=["nbval-check-output"]
unequal = stored.load("unequal-labels")
for title, has_few in (("few labels; how few", True), ("50 labels; the other has", False)):
    print_rows(
        f"target with {title}:",
        (2, 5),
        [x for x in studies.gains(unequal) if (x.settings.labels_of[x.target] < 50) == has_few],
        lambda gain: f"{heads_of(gain):12}{gain.target:11}from {gain.settings.source or 'scratch'}",
    )

# %% [markdown]
# **Explain.** (c). With a shared head and a partner that has 50 labels per class, the target with
# two labels gains most; with five, UCI still gains and MNIST does not. The price is in the lower
# table: the target with many labels gains nowhere, and here and there it loses a little.
#
# And look at *from scratch* with separate heads in the upper table: there joint training **does**
# help, in most rows. Without glyphs, it is the other task that teaches the trunk to see. That is
# transfer, too, but glyphs are the better teacher.
#
# Two of these statements compare numbers from different tables. Here they are seed by seed, for the
# target that has two labels per class:

# %% tags=["nbval-check-output"]
for name, counts in (("mnist", (2, 50)), ("uci-digits", (50, 2))):
    beside = {"targets": targets, "labels_per_class": counts}
    beside_few = joint_study.values(
        "accuracy", name, targets=targets, labels_per_class=2, shared_heads=True
    )
    beside_many = unequal.values("accuracy", name, source="glyphs", shared_heads=True, **beside)
    print(f"{name:10} shared head, the other has 50 labels, not 2:     ", end="")
    print(difference(beside_many, beside_few))
    from_scratch = unequal.values("accuracy", name, source=None, shared_heads=False, **beside)
    alone = unequal.values(source="glyphs", targets=(name,), labels_per_class=2)
    print(f"{name:10} alone from glyphs instead of joint from scratch:", end=" ")
    print(difference(alone, from_scratch))

# %% [markdown]
# So the rule from these measurements:
#
# - same classes, few labels: share the head,
# - different classes, and a good source: train jointly to save parameters, not for accuracy,
# - no good source: a related task with many labels is worth adding, even with separate heads.
#
# All this holds for our small network and these data. Lesson 04 asks whether better weights than 1
# and 1 change the verdict; lesson 05 adds the information of images *without* labels.

# %% [markdown]
# ## 7. Optimizers and schedules
#
# The article trains with plain gradient descent at learning rate `0.01` and adds: "in practice we
# may need more complex optimisation algorithms, such as Adam or RMSProp" (our translation). So let
# us compare five optimizers from the same start, on the same images and the same batches. The right picture is a slice of the loss surface through the start.
#
# **Predict.** Give each optimizer the learning rate that suits it best. Is plain gradient descent
# (*SGD* in the picture) then behind Adam and RMSProp?
#
# - (a) yes, as the article says
# - (b) no: with the right learning rate it is as good
# - (c) no: it is ahead of all the others

# %%
from simmim_lib.lessons.simmim_model import optimizer_figures, optimizer_panels, optimizers

optimizer_panels.comparison(optimizers.Setup(learning_rate=0.01))

# %% [markdown]
# With `0.01` for all, plain gradient descent is slow. Now choose *each one's best* and see it catch
# up. The slice is a plane in a space of more than a hundred thousand dimensions, placed so that it
# shows as much of the paths as a plane can; the table says how much. Note, too, that a lower
# training loss need not mean a higher accuracy: compare those two columns.
#
# Again, three seeds are for exploring. The stored study tried seven learning rates, with ten seeds
# each, and chose each optimizer's best rate on validation images:

# %%
optimizer_figures.claim(0.01)

# %% tags=["nbval-check-output"]
for schedule in ("constant", "warm-up"):
    for rate, meaning in ((0.01, "0.01 for all"), (None, "each its own best")):
        print(f"schedule {schedule}, learning rate {meaning}, against plain gradient descent:")
        for name, outcome in optimizers.verdicts(rate, schedule).items():
            print(f"  {name:9} {outcome}")

# %% [markdown]
# **Explain.** (b). **At the article's learning rate the article is right** about Adam: it is ahead
# of plain gradient descent. So is RMSProp when the rate warms up first; at a constant `0.01` its
# seeds are so far apart that nothing can be said. But **with each at its own best rate, neither is
# better**: at a constant rate there is no clear difference, and with a warm-up plain gradient
# descent is ahead of both. Of the others, only momentum gains a little at a constant rate, and
# nothing with a warm-up.
#
# The left picture shows why the question is a trap: plain gradient descent needs a learning rate at
# least ten times larger. Compare optimizers at *one* rate, and you have measured the rate. What
# speaks for Adam is on the far left: with a rate that is much too small it still gets there. AdamW
# lies on top of Adam, because in so few steps its weight decay does next to nothing.
#
# A **schedule** changes the rate during training: *cosine* lets it fall to zero along a cosine
# curve; *warm-up* raises it over the first tenth of the steps and then lets it fall in the same way.
# Both are fields of `Settings`: `Settings(optimizer="sgd", learning_rate=0.1, schedule="warm-up")`.
#
# The limits of this result: three convolutions were frozen, the network is small, and there were
# only 20 labels per class. Large language models are a different matter.

# %% [markdown]
# ### Exercise 4: Choose a rate, then report (medium, 10 minutes)
#
# You have tried several learning rates, with several seeds each. Which one do you use, and which
# accuracy do you report?


# %% tags=["nbval-check-output"]
def tune_and_report(validation, test):
    """Return two numbers: the index of the rate to use, and the accuracy to report for it.

    Both are arrays of accuracies (rates, seeds), on validation and on test images.
    """
    ...  # your code


exercises.check("03-tune-and-report", tune_and_report)

# %% [markdown]
# <details><summary>Hint</summary>
#
# What is chosen looks better than it is on the images that it was chosen on. And a single seed may
# be lucky.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def tune_and_report(validation, test):
#     best = validation.mean(axis=1).argmax()
#     return best, test[best].mean()
# ```
#
# </details>

# %% [markdown]
# ## 8. Bring your own
#
# **Your own pictures.** Put the pictures of each class into a folder named after the class. Wherever
# the workbook takes the name of a dataset, it takes the address of such a folder, too: `folder:`, and
# its path. So that everybody has some, we make photographs of four kinds of road signs, in pictures
# of any size, before walls of any colour; you would name your own folder. (In a terminal,
# `simmim data show folder:signs` counts them and names broken files and duplicates.)

# %%
folder = Path(tempfile.mkdtemp())
photographs.draw(folder / "signs", each=50)
signs = f"folder:{folder / 'signs'}"
pictures = datasets.load(signs, size=96)
names = [pictures.class_names[label] for label in pictures.train.labels[:10]]
alt = f"Ten made-up photographs of signs before blurred walls: {', '.join(names)}."
charts.image_grid(pictures.train.images[:10], names, alt)

# %% [markdown]
# Ten labelled pictures of each kind are few. But EfficientNet-Lite0 has already seen the million
# photographs of ImageNet: a network of nine blocks and 3.4 million weights, which comes with the
# workbook. It has never seen *these* signs, and they are not among ImageNet's thousand classes.
#
# **Predict.** Freeze all nine blocks, so that only a head with four outputs is trained, on ten
# pictures of each kind. The small network learns from scratch, from the same pictures. What comes
# out?
# - (a) about the same: forty pictures are too few for either
# - (b) the small network is better: it was made for these pictures alone
# - (c) the frozen features are better, by far

# %%
own = simmim_lib.Settings(targets=(signs,), trunk="efficientnet-lite0", budget="quick")
frozen_layers(own)

# %% [markdown]
# **Explain.** (c). Nothing was ever trained to tell a square from an octagon in *these* pictures, and yet the
# features that tell a thousand things apart contain what is needed; from forty pictures alone, the
# small network hardly learns more than guessing, which gets a quarter right.
#
# The frozen blocks' features are computed once and kept, so that another head takes a second. Move
# *Frozen layers* to 8, then to 7: now the last blocks learn as well, which takes longer, and the
# curve gains a point. Is the difference worth it? With three seeds, can you tell?
#
# **Keep the network, and use it.** `Result.save` writes the seed that is best on validation images to
# a plain Keras file, with scaling, cutting and the names of the classes inside. Here it looks at
# signs that are new to it:

# %%
result = simmim_lib.run(own, baseline=False)
result.save(folder / "signs.keras")
photographs.draw(folder / "new", each=2, seed=1)
network = keras.models.load_model(folder / "signs.keras")
files = sorted((folder / "new").rglob("*.jpg"))
seen = np.stack([np.asarray(ImageOps.fit(Image.open(file), (96, 96))) for file in files])
probabilities = network.predict(seen, verbose=0)
captions = [f"{pictures.class_names[p.argmax()]}, {p.max():.0%}" for p in probabilities]
alt = f"Eight new signs, named by the kept network: {'; '.join(captions)}."
charts.image_grid(seen / 255, captions, alt, columns=4)

# %% [markdown]
# In a terminal, the same takes two commands, on any folder of pictures:
#
# ```
# simmim run --targets folder:signs --trunk efficientnet-lite0 --save signs.keras
# simmim predict signs.keras new --output predictions.csv
# ```
#
# **Which features?** A network for photographs ends in features for the things that photographs
# show. Your pictures may be something else: drawings, scans, clothes on a white ground. The trunk
# `efficientnet-lite0-middle` is the same network without its last stages; its features are those of
# stages 4, 5 and 6, side by side.
#
# **Predict.** Fashion-MNIST, 20 labels per class; all blocks of the large trunks are frozen, and the
# small network is fine-tuned from glyphs. How do the middle layers compare with the last?
#
# - (a) worse: the last layers know most
# - (b) better: they are less specific to photographs
# - (c) no clear difference

# %%
study = stored.load("photograph-features")
ways = {f"{each.settings.trunk}, {each.settings.recipe}": each.values() for each in study.records}
title = f"20 labels per class, 10 seeds (budget {study.budget})"
charts.accuracy_rows({"fashion": ways}, title)

# %% tags=["nbval-check-output"]
for name, values in ways.items():
    print(f"{name}: {difference(values, ways['small-cnn, fine-tune'])}")

# %% [markdown]
# **Explain.** (b), and by more than the large network gains over the small one at all: on clothes, its
# last layers are hardly better than a small network that learned letters. Information from images
# without labels (`recipe="simmim"`, the subject of lesson 05) adds something to both large trunks; to
# the small one it does harm here. For photographs of things, start with `efficientnet-lite0`; for
# anything else, try the middle layers first. Both come with the workbook, so trying costs a minute.
#
# **Your own trunk.** Any Keras model with one input and one output will do. If its output still has
# height and width, it is averaged over them (*global average pooling*). With an internet connection,
# `weights="imagenet"` in place of `None` gives you a trunk that has seen a million photographs (it
# expects pixels from -1 to 1: `2 * images - 1`).

# %% tags=["nbval-check-output"]
mobile = keras.applications.MobileNetV2(
    weights=None, include_top=False, input_shape=(32, 32, 3), alpha=0.35
)
photographs = simmim_lib.SimMIM(
    mobile,
    [simmim_lib.Task("animal", ("cat", "dog")), simmim_lib.Task("age", ("years",), "regression")],
)
for name, outputs in photographs(np.zeros((4, 32, 32, 3), np.float32)).items():
    print(f"{name}: {tuple(outputs.shape)}")
print(f"{photographs.count_params():,} parameters, {mobile.count_params():,} of them in the trunk")

# %% [markdown]
# **Several devices.** On a machine with several GPUs, build and compile the model in the scope of a
# strategy; each device takes its share of every batch. With one device it does the same as without.

# %%
strategy = tf.distribute.MirroredStrategy()
with strategy.scope():
    mirrored = simmim_lib.SimMIM(trunks.build_trunk(), tasks)
    mirrored.compile("adam", loss_weights=weights)
_ = mirrored.fit(images, labels, batch_size=25, verbose=0)
print("devices that share each batch:", strategy.num_replicas_in_sync)

# %% [markdown]
# **Several machines.** Keras 3's own `fit` does not work under `MultiWorkerMirroredStrategy`. Its
# training step does, and `simmim.fit_on_workers` runs it. Start the same script on each machine,
# each with its own `TF_CONFIG`:
#
# ```python
# strategy = tf.distribute.MultiWorkerMirroredStrategy()  # before anything else
# with strategy.scope():
#     model = simmim_lib.SimMIM(trunk, tasks)
#     model.compile("adam")
# simmim.fit_on_workers(model, dataset, epochs=5)
# ```

# %% [markdown]
# ## Recap
#
# - The article's network has one convolution, one head and one task; nearly all of its parameters sit
#   behind the flattening. Its method is in its text, not in its program.
# - SimMIM here: one trunk, a head for each task, and the loss $\sum_t w_t L_t$. Lower cross-entropy
#   is more information about the labels.
# - Four steps: choose tasks, initialise, transfer, maximise information.
# - Joint training saves parameters. With separate heads and a good source it gained nothing; with a
#   shared head and few labels it did, most of all where the other task had many.
# - Compare optimizers with each at its own best learning rate, or you are comparing learning rates.
#
# ## Where next
#
# [Lesson 04, Many tasks at once](04_task_weights.ipynb): weights that are adjusted automatically
# rather than given, and gradients that pull against each other. Lesson 05, Information maximisation:
# images without labels.
