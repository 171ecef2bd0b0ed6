# %% [markdown]
# # 03 The SimMIM model
#
# <!-- badge -->
#
# About 110 minutes; 55 without what goes deeper. Afterwards you will be able to
#
# - say what the article's network is, where its parameters sit, and what it lacks,
# - build one network with several heads, one for each task, write its loss, and train it,
# - say how much information a given cross-entropy stands for,
# - tell where one network for several tasks beats separate ones, and where it does not.
#
# What goes deeper shows the network as a Keras model, compares optimizers, and puts in pictures and
# a trunk of your own.
#
# You need lesson 01 (copy and freeze) and the cross-entropy of lesson 02. Run cell by cell
# (Shift+Enter), and answer each question before you go on: what comes out is shown after your click.

# %% tags=["setup"]
# The builder writes the setup cell.

# %% tags=["imports", "folded"]
# @title Imports
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import simmim_lib
from simmim_lib import datasets, exercises, experiments, freezing, losses, simmim, trunks
from simmim_lib.lessons.simmim_model import (
    optimizer_figures,
    optimizer_panels,
    optimizers,
    panels,
    photographs,
    study_results,
)
from simmim_lib.lessons.transfer_learning.panels import frozen_layers
from simmim_lib.pictures import charts

# %% [markdown]
# ## 1. What the article built
#
# The article shows a network in Keras and says about it: "In this model we used two convolutional
# layers and two fully connected layers. This is only a simple example; the actual model may be more
# complex" (our translation). `trunks.article_network` is the same network, rewritten: it looks at a
# picture of 28 by 28 pixels with 32 filters of 3 by 3, flattens what comes out, and has a dense
# layer of 64 units and a head of 10.

# %%
article = trunks.article_network()
ours = trunks.add_head(trunks.build_trunk(), classes=10)
sizes = study_results.layer_sizes(article)
exercises.predict("03-convolution-share", *study_results.counted(article, ours), layers=sizes)

# %% [markdown]
# Now the article's training loop, rewritten. It takes the gradient of each batch's loss from a
# *tape*, and plain gradient descent takes a step.


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


# %%
read = study_results.digits_read_after(train_as_in_the_article, article)
exercises.predict("03-articles-loop", study_results.accuracy_of_seeds(read), accuracies=read)

# %% [markdown]
# ## 2. One trunk, several heads
#
# The article expands SimMIM as *Simultaneous Multivariate Information Maximization*. (The
# [SimMIM of CVPR 2022](https://arxiv.org/abs/2111.09886) is masked image modelling and shares only
# the name.) The words ask for this:
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
{name: tuple(logits.shape) for name, logits in model(images).items()}

# %% tags=["folded"]
# @title Ten images of each task
shown = np.concatenate([images[name][::5] for name in targets])  # one of the five of each digit
captions = [str(label) for name in targets for label in labels[name][::5]]
charts.image_grid(shown, captions, "The ten digits of MNIST above the ten digits of UCI.")

# %% [markdown]
# MNIST is above; below is UCI, whose digits are stored at 8 by 8 pixels and were enlarged.

# %%
sharing = simmim_lib.SimMIM(trunks.build_trunk(), tasks, shared_heads=True)
counts = study_results.parameters(model, sharing, [ours, ours], article)
exercises.predict("03-fewest-parameters", study_results.parameters_table(counts), counts=counts)

# %% [markdown]
# Each task has its cross-entropy, the mean over its own images. Training needs *one* number to make
# smaller, so the two are multiplied by **weights** and added. For tasks $t$ with weights $w_t$ and
# labelled images $B_t$ the **joint loss** is
#
# $$L = \sum_t w_t L_t, \qquad L_t = \frac{1}{|B_t|}\sum_{(x,y)\in B_t} -\log p_t(y \mid x)$$

# %%
weights = {"mnist": 1.0, "uci-digits": 0.5}
logits = model(images)
fresh = {name: np.mean(losses.cross_entropy(labels[name], logits[name])) for name in targets}
exercises.predict(
    "03-joint-loss", study_results.losses_table(fresh, weights), losses=fresh, weights=weights
)

# %% [markdown]
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
# has a loss after all, just not the one it printed. Section 5 puts a number on it.

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
# `Settings` says what you want; several seeds are trained side by side.
#
# **Step 1, choose tasks.** Two targets, each with five labelled images of each digit.

# %% tags=["nbval-check-output"]
settings = simmim_lib.Settings(
    source="glyphs", targets=targets, task_weights=(1.0, 0.5), labels_per_class=5, frozen_layers=2
)
chosen = experiments.choose_tasks(settings)
study_results.images_of_each_seed(chosen)

# %% [markdown]
# **Step 2, initialise.** A network trained on the source. The workbook keeps one that was trained on
# glyphs (letters and digits drawn from fonts), so this takes no time.

# %%
source = experiments.initialise(settings)
print(f"{source.source}: reads {source.accuracy:.1%} of new images (guessing: {1 / 47:.1%})")

# %% [markdown]
# **Step 3, transfer.** All four layers of the trunk are copied, and the first two are frozen. A frozen
# layer always gives the same output for the same image, so its output is computed once, now, and
# what is left to train begins behind it.

# %%
network = experiments.transfer(settings, chosen, source)
copied = study_results.copied(network, source)
exercises.predict("03-what-is-trained", study_results.copied_table(network, copied), copied=copied)

# %% [markdown]
# **Step 4, maximise information.** The joint loss is minimised. The function yields the weights
# after every twenty steps, so that we can look at the accuracy on validation images meanwhile.

# %%
looks = list(experiments.maximise_information(settings, chosen, network))
study_results.while_it_learns(chosen, network, looks)

# %% [markdown]
# `simmim_lib.run(settings)` takes all four steps, then tests the network. It is the `run` of lesson
# 01, where there was only one target. You have now met four ways to train; this is what each is for:
#
# | you want | use |
# |---|---|
# | an answer, with seeds and a baseline | `simmim_lib.run(settings)` |
# | to see a step from within, or to change one | the four functions above |
# | a network in a program of your own | `simmim_lib.SimMIM`, a Keras model (section 5) |
# | a training loop that nobody has written yet | a tape, as in the article's loop |

# %% [markdown]
# ## 4. Joint or separate?
#
# One network for two tasks is smaller than two networks. Is it as good, or better? The panel that
# you will see trains the joint network, and then a separate one for each task beside it.

# %%
exercises.predict("03-joint-accuracy", panels.simmim())

# %% [markdown]
# The article says that SimMIM "can make better use of limited data", because it transfers among
# several tasks at once, while "traditional transfer learning usually transfers knowledge between two
# tasks only" (our translation). It gives no measurement. Here is ours: three groups of targets, the
# same number of labels for each target, 20 seeds, always from glyphs with two layers frozen. For
# each target the joint network is compared with a separate one, seed by seed: same images, same
# batches, same number of steps.

# %%
exercises.predict("03-how-many-gains", study_results.joint_figure(shared_heads=False))

# %%
exercises.predict("03-shared-head", study_results.joint_figure(shared_heads=True))

# %%
exercises.predict("03-unequal-labels", *study_results.unequal_labels_compared())

# %%
exercises.predict("03-best-teacher", *study_results.teachers_compared())

# %% [markdown]
# All this holds for our small network and these data. Lesson 04 asks whether better weights than 1
# and 1 change the verdict; lesson 05 adds the information of images *without* labels.

# %% [markdown]
# ## 5. Going deeper: as a Keras model
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
# Copy, freeze and compile before the first `fit`, which builds the training step. Whoever freezes
# more later has to compile again: a step that was built does not notice.

# %%
glyphs_model = source.as_model()
freezing.copy_layers(glyphs_model, model.trunk, layers=4)
freezing.freeze(model.trunk, layers=2)
model.compile(keras.optimizers.Adam(2e-3), loss_weights=weights)
before = study_results.information(model, few)
_ = model.fit(images, labels, batch_size=25, epochs=40, verbose=0)
after = study_results.information(model, few)

# %% [markdown]
# Now the number that section 2 promised, $H(Y)$ minus the cross-entropy on test images: how much do
# we know about a label, at least, once the network has seen the image?

# %%
exercises.predict(
    "03-information", study_results.information_table(before, after), before=before, after=after
)

# %% [markdown]
# Save and load. The file holds the layers, the weights, the tasks and the compile settings. A file
# that contains code is refused (`safe_mode`).

# %% tags=["nbval-check-output"]
path = Path(tempfile.mkdtemp(), "digits.keras")
model.save(path)
study_results.same_answers(model, simmim.load(path), images)

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
# ## 6. Going deeper: optimizers and schedules
#
# The article trains with plain gradient descent at learning rate `0.01` and adds: "in practice we
# may need more complex optimisation algorithms, such as Adam or RMSProp" (our translation). So let
# us compare five optimizers from the same start, on the same images and the same batches: the three
# convolutions come from glyphs and stay frozen, and the dense layer and a fresh head learn MNIST
# from 20 labels per class.
#
# In the panel, *SGD* is plain gradient descent. The right picture is a slice of the loss surface
# through the start: a plane in a space of more than a hundred thousand dimensions, placed so that it
# shows as much of the paths as a plane can. It shows their shadows; how low a network has really
# come stands in the table.

# %%
optimizer_panels.comparison(optimizers.Setup(learning_rate=0.01))

# %% [markdown]
# With `0.01` for all, plain gradient descent is slow. (Note, too, that a lower training loss need not
# mean a higher accuracy: compare those two columns.) What if each optimizer may have the rate that
# suits it? Three seeds are for exploring; the stored study tried seven learning rates, with ten seeds
# each, and chose each optimizer's best rate on validation images.

# %%
exercises.predict("03-best-rate")

# %%
exercises.predict("03-optimizers", optimizer_figures.claim(0.01), study_results.optimizers_table())

# %% [markdown]
# In the panel above, choose *each one's best* and see plain gradient descent catch up.
#
# A **schedule** changes the rate during training: *cosine* lets it fall to zero along a cosine
# curve; *warm-up* raises it over the first tenth of the steps and then lets it fall in the same way.
# Both are fields of `Settings`: `Settings(optimizer="sgd", learning_rate=0.1, schedule="warm-up")`.
#
# The limits of this result: the network is small, its convolutions were frozen, and there were few
# labels. Large language models are a different matter.

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
# ## 7. Going deeper: your own pictures
#
# Put the pictures of each class into a folder named after the class. Wherever the workbook takes the
# name of a dataset, it takes the address of such a folder, too: `folder:`, and its path. So that
# everybody has some, we make photographs of four kinds of road signs, in pictures of any size,
# before walls of any colour; you would name your own folder. (In a terminal,
# `simmim data show folder:signs` counts them and names broken files and duplicates.)

# %% tags=["folded"]
# @title Draw the pictures
folder = Path(tempfile.mkdtemp())
photographs.draw(folder / "signs", each=50)
photographs.draw(folder / "new", each=2, seed=1)

# %%
signs = f"folder:{folder / 'signs'}"
pictures = datasets.load(signs, size=96)

# %% tags=["folded"]
# @title Ten of the pictures
names = [pictures.class_names[label] for label in pictures.train.labels[:10]]
alt = f"Ten made-up photographs of signs before blurred walls: {', '.join(names)}."
charts.image_grid(pictures.train.images[:10], names, alt)

# %% [markdown]
# Ten labelled pictures of each kind are few. But EfficientNet-Lite0 has already seen the million
# photographs of ImageNet: a network of nine blocks and 3.4 million weights, which comes with the
# workbook. It has never seen *these* signs, and they are not among ImageNet's thousand classes.

# %%
own = simmim_lib.Settings(targets=(signs,), trunk="efficientnet-lite0", budget="quick")
result = simmim_lib.run(own)

# %%
exercises.predict(
    "03-signs", frozen_layers(own), frozen=result.accuracy[signs], scratch=result.baseline[signs]
)

# %% [markdown]
# **Keep the network, and use it.** `Result.save` writes the seed that is best on validation images to
# a plain Keras file, with scaling, cutting and the names of the classes inside. Here it looks at
# signs that are new to it:

# %%
result.save(folder / "signs.keras")
kept = keras.models.load_model(folder / "signs.keras")
seen = photographs.opened(folder / "new", size=96)  # brightness from 0 to 255, as in the files
probabilities = kept.predict(seen, verbose=0)

# %% tags=["folded"]
# @title What it says about them
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

# %%
exercises.predict("03-middle-layers", *study_results.middle_layers_compared())

# %% [markdown]
# ## 8. Going deeper: your own trunk
#
# Any Keras model with one input and one output will do. If its output still has height and width, it
# is averaged over them (*global average pooling*). With an internet connection,
# `weights="imagenet"` in place of `None` gives you a trunk that has seen a million photographs (it
# expects pixels from -1 to 1: `2 * images - 1`).

# %% tags=["nbval-check-output"]
mobile = keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=(32, 32, 3))
animal = simmim_lib.Task("animal", ("cat", "dog"))
age = simmim_lib.Task("age", ("years",), "regression")
pets = simmim_lib.SimMIM(mobile, [animal, age])
{name: tuple(outputs.shape) for name, outputs in pets(np.zeros((4, 32, 32, 3))).items()}

# %% [markdown]
# If one processor is not enough, [For operators](../docs/operators.md) says how to train a model on
# several GPUs or machines.

# %% [markdown]
# ## Recap

# %%
exercises.score("03")

# %% [markdown]
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
