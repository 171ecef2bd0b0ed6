# %% [markdown]
# # 01 Transfer learning
#
# <!-- badge -->
#
# About 40 minutes, exercises included. Afterwards you will be able to
#
# - copy the first layers of a trained network into a new one, freeze them, and say what that changes,
# - choose between a linear probe, fine-tuning, and one after the other,
# - tell from several seeds whether transfer helped, hurt, or made no clear difference,
# - avoid the three mistakes that Keras users report most often when they freeze layers.
#
# You need to know what a layer, a weight and a loss are. Run all cells first (*Run > Run All Cells*,
# about a minute), then read from here.

# %% tags=["setup"]
# The builder writes the setup cell.

# %% tags=["imports"]
import keras
import numpy as np
import scipy.stats

import simmim_lib
from simmim_lib import datasets, exercises, freezing, trunks
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.foundation.intervals import difference
from simmim_lib.lessons.transfer_learning import figures, panels
from simmim_lib.pictures import charts
from simmim_lib.studies import stored

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
# **Predict.** The next cell trains the network on the glyphs for three passes (*epochs*) over the
# training images. There are 47 classes, and the characters are badly distorted. How many new glyphs
# will it name correctly after the *first* pass?
# - (a) about one in 47, no better than guessing
# - (b) at least one in five
# - (c) nearly all

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
by_pass = {number: np.array([x]) for number, x in enumerate(history.history["val_accuracy"], 1)}
guessing = np.array([1 / len(glyphs.class_names)])
charts.accuracy_curves(
    [charts.Curve("the network", by_pass, "source")],
    "passes over the training images",
    "Learning the source task (live, one run)",
    baseline=("guessing", guessing),
)

# %% [markdown]
# **Explain.** (b). One pass is enough to leave guessing far behind, and each further pass adds less.
# This step is called **pre-training**. Here we only watched it: for everything below, the workbook
# keeps networks that were trained for longer by one fixed recipe, so that you do not have to wait
# for them.

# %%
source_model = pretrained("glyphs").as_model()
print(f"Reads {pretrained('glyphs').accuracy:.1%} of new glyphs (guessing: {guessing[0]:.1%}).")
for layer in source_model.layers:
    print(f"{layer.name:15} {layer.count_params():8,} weights")

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
#
# **Predict.** The network has five layers; freeze the first two, both convolutions. About how many
# of its weights are still trained?
#
# - (a) two in five
# - (b) three in five
# - (c) nearly all

# %% tags=["nbval-check-output"]
target_model = trunks.add_head(trunks.build_trunk(), classes=10)
freezing.copy_layers(source_model, target_model, layers=4)
freezing.freeze(target_model, layers=2)
for layer in target_model.layers:
    if layer.weights:
        state = "trained" if layer.trainable else "frozen"
        print(f"{layer.name:15} {layer.count_params():8,} weights  {state}")

# %% [markdown]
# **Explain.** (c). A convolution uses the same few weights all over the picture; most weights sit in
# the dense layer. Freezing the first layers saves few weights. It saves *work*, because those layers
# see the largest pictures, and because a frozen layer gives the same output at every step: we
# compute its outputs once and train on them.
#
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
# **Predict.** All four layers of the trunk are copied. With ten labels per class, where will the
# accuracy on digits be highest?
#
# - (a) nothing frozen: everything adapts to the target
# - (b) somewhere in between
# - (c) everything frozen but the head

# %%
panels.frozen_layers(simmim_lib.Settings(budget="quick", steps=72))

# %% [markdown]
# **Explain.** Grey points are single seeds, the bars are 95 % intervals, and with three seeds they
# are so long that they all overlap: three seeds show *that* glyphs help, not which depth is best.
# (With ten seeds, in section 8, the curve slopes down from one frozen layer to four.) Try the
# settings yourself:
#
# - *Seeds* 10: how much shorter do the bars become?
# - *Source* fashion: what happens on the right of the curve?
# - *Labels per class* 1, then 50: where does the dashed line go?
#
# (*Recipe* is for later: the other one is what lesson 05 is about.)

# %% [markdown] tags=["quoted"]
# ## 5. With plenty of labels: three famous curves
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
#
# **Predict.** Which of the three will our small network show on handwritten digits, with 300 labels
# per class?
#
# - (a) all three
# - (b) the decline, and fine-tuned copies above scratch
# - (c) none: with so many labels the source does not matter

# %%
depth_study = stored.load("frozen-depth")
depths = range(1, 5)


def by_depth(source, frozen):
    return {
        depth: depth_study.values(
            source=source, copied_layers=depth, frozen_layers=depth if frozen else 0
        )
        for depth in depths
    }


scratch = depth_study.values(source=None)
curves = {
    "same task (MNIST), frozen": ("mnist", True, "frozen", "o"),
    "glyphs, frozen": ("glyphs", True, "frozen", "s"),
    "Fashion, frozen": ("fashion", True, "frozen", "^"),
    "glyphs, fine-tuned": ("glyphs", False, "trained", "s"),
}
measured = {name: by_depth(source, frozen) for name, (source, frozen, *_) in curves.items()}

# %%
charts.accuracy_curves(
    [charts.Curve(name, measured[name], *look) for name, (_, _, *look) in curves.items()],
    "first layers copied, the others fresh",
    f"MNIST, 300 labels per class, {len(scratch)} seeds (budget {depth_study.budget})",
    baseline=("from scratch", scratch),
    lowest=0.92,
)

# %% [markdown]
# The grey band is the interval of the from-scratch mean; one point lies far below the edge of the
# picture. Now the numbers. Each is the mean over the seeds of the difference from scratch, with its
# 95 % interval; the verdict is "gain" or "loss" only if the interval lies on one side of zero.

# %% tags=["nbval-check-output"]
for name, values in measured.items():
    print(name)
    for depth in depths:
        print(f"  {depth} layers: {difference(values[depth], scratch)}")

# %% [markdown]
# **Explain.** (b).
#
# - The **dip does not appear**. Same-task copies are never worse than scratch. Our network has five
#   layers, not eight, and is easy to train: fresh layers learn to fit the copied ones. (At four
#   layers the copies even gain. Do not be impressed: that trunk was trained on *all* MNIST training
#   labels, so it carries knowledge of labels that the network from scratch never saw.)
# - The **decline appears**, late, and it depends on the source. The first two layers serve every
#   task: an edge is an edge, in a letter or in a shirt. From the third layer on the sources part
#   ways: features learned on glyphs still help there, features learned on clothes hurt. A frozen
#   dense layer hurts from either source: a little from glyphs, and from clothes more than anything
#   else on this page.
# - **Fine-tuned copies lie above scratch**, clearly from two layers on, and more layers do not hurt.
#   Copied weights are a good place to *start*, even where they are a bad place to *stay*.
#
# What these intervals do not tell you: every seed uses the same pre-trained source and the same test
# images. So they cover the luck of labels and initial weights, not the choice of another source
# network. And even where nothing differs, one such interval in twenty excludes zero by pure chance:
# do not build on one that barely does. The number of steps was set by running time and the learning
# rate on validation images; neither was chosen by these test accuracies.

# %% [markdown]
# ## 6. Probe, fine-tune, or one after the other
#
# Freeze the *whole* trunk and train the head only: that is a **linear probe**, *probe* for short. It
# asks how much the features already know. **Fine-tuning** trains everything. There is a snag: at the
# start the head is fresh, its errors are large and random, and the first steps send them back into
# the good trunk and distort it. [Kumar et al. (2022)](https://arxiv.org/abs/2202.10054) therefore
# **probe, then fine-tune**: train the head first, unfreeze the trunk afterwards.
#
# **Predict.** Ten labels per class, glyphs as the source, the same number of steps for each method.
# Which is best on the target's test images?
#
# - (a) the probe: a hundred labels are too few to train everything
# - (b) fine-tuning
# - (c) probe, then fine-tune

# %%
ways_study = stored.load("adaptations")
ways = ("probe", "fine-tune", "probe-then-fine-tune")
groups = {}
for target in ("mnist", "uci-digits"):
    groups[target] = {"from scratch": ways_study.values(source=None, targets=(target,))}
    for way in ways:
        groups[target][way] = ways_study.values(source="glyphs", targets=(target,), adaptation=way)
charts.accuracy_rows(
    groups, f"From glyphs, 10 labels per class, 10 seeds (budget {ways_study.budget})"
)

# %% tags=["nbval-check-output"]
for target, values in groups.items():
    print(target)
    for way in ways:
        print(f"  {way} against scratch: {difference(values[way], values['from scratch'])}")
    two_steps = difference(values["probe-then-fine-tune"], values["fine-tune"])
    print(f"  probe-then-fine-tune against fine-tune: {two_steps}")

# %% [markdown]
# **Explain.** (c): on both targets the interval of its difference from plain fine-tuning lies above
# zero. Whether a point or two matters is for you to judge; it costs nothing, as the number of steps
# is the same. These seeds do not decide between the probe and fine-tuning, and on the second target
# the probe is not even clearly better than scratch: the features alone are not enough there.
#
# Kumar et al. report the larger benefit on **out-of-distribution** images, which are *unlike* the
# target's training images: there fine-tuning alone can end up below the probe. We did not measure
# that here.

# %% [markdown]
# ### Gentler ways to fine-tune
#
# Practitioners ask for two more, both proposed for language models by
# [Howard and Ruder (2018)](https://arxiv.org/abs/1801.06146):
#
# - **Smaller steps for copied layers.** The head learns at the usual rate, the copied layers at a
#   fraction of it: `Settings(trunk_learning_rate=0.1)`.
# - **Gradual unfreezing.** First train the head alone; then, with each further part of the steps,
#   one more layer, from the last to the first: `Settings(adaptation="gradual-unfreezing")`.
#
# **Predict.** The same labels, seeds and number of steps as above. Which of them beats plain
# fine-tuning?
#
# - (a) each of them: good features are worth protecting
# - (b) neither by itself, but both together
# - (c) none, on a network as small as this

# %%
gentle_study = stored.load("gentle-fine-tuning")
gentle = {
    "small steps": ("fine-tune", 0.1),
    "gradual": ("gradual-unfreezing", 1.0),
    "probe, then small steps": ("probe-then-fine-tune", 0.1),
    "gradual, small steps": ("gradual-unfreezing", 0.1),
}
for target in groups:
    for name, (way, factor) in gentle.items():
        groups[target][name] = gentle_study.values(
            targets=(target,), adaptation=way, trunk_learning_rate=factor
        )
charts.accuracy_rows(
    {
        target: {name: values[name] for name in (*ways, *gentle)}
        for target, values in groups.items()
    },
    f"From glyphs, 10 labels per class, 10 seeds (budget {gentle_study.budget})",
)

# %% tags=["nbval-check-output"]
for target, values in groups.items():
    print(f"{target}, against fine-tune")
    for name in gentle:
        print(f"  {name}: {difference(values[name], values['fine-tune'])}")
    two_ideas = difference(values["gradual, small steps"], values["probe-then-fine-tune"])
    print(f"  gradual, small steps against probe-then-fine-tune: {two_ideas}")

# %% [markdown]
# **Explain.** (b). Small steps alone gain nothing, on MNIST they even lose: the head is fresh all the
# same, and the trunk is led by its first, random errors, only more slowly. (Larger and smaller
# fractions gain nothing either; they are in the stored study.) Gradual unfreezing alone gains nothing:
# each newly unfrozen layer starts with full steps, and there are few of them. Together they are best: when
# the trunk begins to move, the head already knows where to, and it moves a little. On both targets
# they are ahead of plain fine-tuning, and ahead of *probe, then fine-tune* as well.
#
# The recipe for a handful of labels and a good source is therefore `adaptation="gradual-unfreezing"`
# with `trunk_learning_rate=0.1`. What we have shown is one source, two targets and ten labels per
# class, with as many steps for each way; with other sources it has to be measured again.

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
# ## 7. Few labels and many
#
# **Predict.** Where does transfer gain most?
#
# - (a) with one or two labels per class
# - (b) in between, at around five to twenty
# - (c) with fifty: only then is there enough to adapt to

# %%
few_study = stored.load("few-labels")
counts = (1, 2, 5, 10, 20, 50)
by_source = {
    source: {count: few_study.values(source=source, labels_per_class=count) for count in counts}
    for source in ("glyphs", None)
}
charts.accuracy_curves(
    [
        charts.Curve("transfer from glyphs,\ntwo layers frozen", by_source["glyphs"], "target"),
        charts.Curve("from scratch", by_source[None], "baseline", "s"),
    ],
    "labels per class",
    f"MNIST, 10 seeds (budget {few_study.budget})",
    logarithmic=True,
)

# %% tags=["nbval-check-output"]
for count in counts:
    gain = difference(by_source["glyphs"][count], by_source[None][count])
    print(f"{count:2} labels per class: {gain}")

# %% [markdown]
# **Explain.** Transfer gains at *every* number of labels. From ten labels on the gain shrinks
# steadily: what the source knows about strokes, the target's own labels can now teach just as well.
# With one or two labels per class the intervals are wide, because everything depends on which
# pictures happen to be labelled; the mean is highest at two, but these seeds cannot decide between
# (a) and (b).
#
# Read the figure sideways, too: the upper curve reaches the same height with about half the labels.
# If you have to pay for labels, that is the better way to put it.

# %% [markdown]
# ## 8. When transfer hurts
#
# Fashion-MNIST has ten classes of clothes, in pictures of the same size and kind as the digits, and
# more pictures than our part of MNIST. A network trained on it has surely learned to see.
#
# **Predict.** Clothes as the source, digits as the target, ten labels per class, nothing frozen. What
# happens, compared with no transfer at all?
# - (a) it helps, just less than glyphs do
# - (b) no difference: fine-tuning corrects what does not fit
# - (c) it hurts

# %%
hurt_study = stored.load("negative-transfer")
all_depths = range(5)
hurt_scratch = hurt_study.values(source=None)
by_depth_of = {
    source: {depth: hurt_study.values(source=source, frozen_layers=depth) for depth in all_depths}
    for source in ("glyphs", "fashion")
}
charts.accuracy_curves(
    [
        charts.Curve("from glyphs", by_depth_of["glyphs"], "source", "s"),
        charts.Curve("from Fashion", by_depth_of["fashion"], "source", "^"),
    ],
    "frozen layers, all four copied",
    f"MNIST, 10 labels per class, 10 seeds (budget {hurt_study.budget})",
    baseline=("from scratch", hurt_scratch),
)

# %% tags=["nbval-check-output"]
for source, values in by_depth_of.items():
    print(source)
    for depth in all_depths:
        print(f"  {depth} frozen: {difference(values[depth], hurt_scratch)}")

# %% [markdown]
# **Explain.** With nothing frozen, (b) is all that these seeds let us say: the mean lies below
# scratch, but the interval still contains zero. With three layers frozen it barely excludes zero,
# and with all four there is no doubt: **negative transfer**, and a disaster. Features that tell a
# shirt from a coat by its sleeves and its texture do not tell a 3 from an 8.
#
# Two things to take away. Glyphs, which nobody wrote by hand, help; photographs of real things do
# not: what counts is what source and target have in *common*. And fine-tuning limits the damage,
# because it is free to leave a bad starting point.

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
# ## 9. Can you tell in advance?
#
# To find out which source helps, you could try them all. With large networks that is expensive. A
# **transferability score** passes the labelled target images through the source network once and
# predicts which source will serve them best. Nothing is trained.
#
# - **Nearest neighbours**: how often does the most similar other image, measured in the *features* of
#   the source, have the same label?
# - [**LEEP**](https://arxiv.org/abs/2002.12462): let the source network name the target images by
#   its own classes ("this 7 looks like a z"). How well does the source's class $z$ predict the label
#   $y$? With $P(y \mid z)$ estimated from the labelled images and $\theta(x)_z$ the probability that
#   the source gives to $z$,
#
#   $$ \text{LEEP} = \frac{1}{n} \sum_{i=1}^{n} \log \sum_z P(y_i \mid z)\, \theta(x_i)_z $$
#
# - [**H-score**](https://arxiv.org/abs/2212.10082): how much of the features' variance lies
#   *between* the classes?
# - [**LogME**](https://arxiv.org/abs/2102.11005): how probable are the labels under a linear model
#   of the features, averaged over all such models (the log *marginal likelihood*, or evidence)?
#
# **Predict.** Three targets, three sources for each, 20 labels per class. How often will a score put
# two sources in the right order?
#
# - (a) nearly always
# - (b) more often than not
# - (c) no better than a coin toss

# %%
score_study = stored.load("transferability")
targets = ("mnist", "uci-digits", "fashion")
pairs = [
    (record.settings.source, record.settings.targets[0])
    for record in score_study.records
    if record.settings.source
]


def measured_for_pairs(measure):
    return {
        (source, target): score_study.values(measure, source=source, targets=(target,))
        for source, target in pairs
    }


outcome = measured_for_pairs("accuracy")
labels = {
    "nearest_neighbours": "nearest neighbour\n(share right)",
    "leep": "LEEP\n(nats per image)",
    "h_score": "H-score\n(no unit)",
    "logme": "LogME\n(nats per image)",
}

# %%
guesses = {
    name: {pair: values.mean() for pair, values in measured_for_pairs(name).items()}
    for name in labels
}
figures.score_against_accuracy(
    {labels[name]: values for name, values in guesses.items()},
    outcome,
    {target: score_study.values(source=None, targets=(target,)) for target in targets},
    f"20 labels per class, 10 seeds (budget {score_study.budget})",
)

# %% [markdown]
# With a perfect score, the points in each small plot would climb from left to right. Kendall's rank
# correlation $\tau$ counts that: the share of pairs of sources in the right order minus the share in
# the wrong order. +1 is always right, 0 a coin toss, -1 always wrong.

# %% tags=["nbval-check-output"]
for name, guess in guesses.items():
    correlations = []
    for target in targets:
        rivals = [pair for pair in pairs if pair[1] == target]
        actual = [outcome[pair].mean() for pair in rivals]
        ranks = scipy.stats.kendalltau([guess[pair] for pair in rivals], actual)
        correlations.append(ranks.statistic)
    shown = ", ".join(f"{value:+.2f}" for value in correlations)
    print(f"{name:18} mean {np.mean(correlations):+.2f}  (MNIST, UCI digits, Fashion: {shown})")

# %% [markdown]
# **Explain.** Between (a) and (b). For the digits of MNIST every score finds the right order. Where
# the scores go wrong, they swap glyphs with another source, and each time it is a pair whose
# accuracies these ten seeds cannot tell apart either. Before you trust them, four warnings:
#
# - This is a **small sample**: nine pairs of sources, three for each target. Swapping a single pair
#   moves $\tau$ by two thirds for its target.
# - A score **ranks sources; it does not promise a gain**. From UCI digits to Fashion, transfer was a
#   loss, and no score says so: none of them knows what training from scratch would reach.
# - Scores of **different targets cannot be compared**: an easy target gets a high score from any
#   source.
# - The **H-score saturates** when images are few. It can be at most 9 for ten classes, and with 200
#   images in 128 dimensions even the worst source comes near that: with so many dimensions, almost
#   any labelling can be separated.
#
# So use a score to drop hopeless sources early. Then measure the others.

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
# ## 10. What Keras users ask most
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
#
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
