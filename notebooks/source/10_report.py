# %% [markdown] tags=["lesson"]
# # 10 Reports
#
# <!-- badge -->
#
# About 55 minutes; 50 without what goes deeper. Afterwards you will be able to
#
# - request an experiment with your own settings, and get a document that you can share,
# - say which baselines an accuracy needs for comparison, and why,
# - read a verdict that is derived from an interval, and know what it does not say,
# - tell what an experiment costs before you pay for it.
#
# You need lesson 01 (copy and freeze) and lesson 03 (several targets). Lesson 05 explains images
# without labels. This notebook is lesson and report in one: the cells with the pictures make up the
# report; the text around them, like this one, explains it and is left out when you make a report.
# Run cell by cell (Shift+Enter), and answer each question before you go on: what comes out is shown
# after your click.

# %% tags=["setup"]
# The builder writes the setup cell.

# %% tags=["imports", "folded"]
# @title Imports of the report
from IPython.display import display

from simmim_lib.experiments import baselines
from simmim_lib.lessons.report import figures, model_card, shown_examples, tables
from simmim_lib.reports import pages, report, words

# %% [markdown] tags=["lesson"]
# ## 1. How to request one
#
# You say what you want to know, and what you leave out is as usual. There are three ways:
#
# - with the workbook's own command, which also makes a page and a file of numbers:
#   `simmim report -p targets mnist,uci-digits -p labels_per_class 5 -p seeds 5 --output reports/digits`
# - with plain **papermill**, on a server where you already schedule notebooks:
#   `papermill notebooks/10_report.ipynb out.ipynb -p labels_per_class 5`
# - by hand: change the values in the next cell and run all cells, or use the form in section 2.
#
# The next cell, which is folded, is tagged `parameters`, and that is all the magic there is:
# papermill inserts a cell with *your* values after it and runs the notebook. It names every setting;
# a value of `usual` leaves it to the recipe, the trunk and the budget. You have met the ones that
# matter most: `targets`, `source`, `labels_per_class`, `frozen_layers` and `seeds`.

# %% tags=["parameters", "folded"]
# @title Parameters
recipe = "simmim"
trunk = "usual"
source = "usual"
pretext = "usual"
targets = ["mnist", "uci-digits"]
task_weights = "usual"
weighting = "usual"
shared_heads = "usual"
image_size = "usual"
labels_per_class = "usual"
copied_layers = "usual"
frozen_layers = "usual"
adaptation = "usual"
optimizer = "usual"
learning_rate = "usual"
trunk_learning_rate = "usual"
layer_decay = "usual"
batch_size = "usual"
class_weights = "usual"
schedule = "usual"
information = "usual"
spread = "usual"
agreement = "usual"
confidence = "usual"
ramp = "usual"
augmentation = "usual"
class_prior = "usual"
class_shares = "usual"
foreign_images = "usual"
steps = "usual"
patience = "usual"
baseline = "usual"
budget = "usual"
seeds = "usual"
strategy = "usual"

# %% tags=["lesson", "imports", "folded"]
# @title Imports of the lesson
from simmim_lib import Settings, exercises, run
from simmim_lib.lessons.report import form, study_results
from simmim_lib.training import devices

# %% [markdown] tags=["lesson"]
# The report starts here. The headings that follow are its sections.

# %% [markdown]
# ## Settings
#
# The main settings, and all others that differ from their defaults. A complete list is at the end.

# %% tags=["nbval-check-output"]
settings = report.read_parameters(globals())
tables.asked(settings)

# %% tags=["lesson"]
exercises.predict("10-misspelt")

# %% [markdown]
# ## The data
#
# Training examples, and where the network's weights come from. Only some of the targets' training
# examples have a label; no network ever learns from test examples.

# %%
display(tables.data(settings), pages.Paragraph(words.start(settings)))
for name in settings.targets:
    display(shown_examples.examples(settings, name, "target"))
if settings.source_dataset:
    display(shown_examples.examples(settings, settings.source_dataset, "source"))

# %% [markdown]
# ## Baselines
#
# A score alone says little. These have the same labelled images, the same number of steps and the
# same seeds:

# %% tags=["training"]
compared = baselines.baselines(settings)

# %%
display(tables.ways(settings, compared), pages.Paragraph(words.baselines(settings, compared)))

# %% tags=["lesson"]
exercises.predict("10-which-baseline")

# %% [markdown]
# ## The experiment
#
# Now what was asked for: choose tasks, initialise on the source, transfer the first layers,
# maximise information.

# %% tags=["training"]
found = baselines.investigate(settings, compared)

# %%
for name, diagnosis in found.result.diagnostics.items():
    print(f"{found.names[name]}, predictions for images without labels: {diagnosis}")
print(f"Trained and tested {settings.seeds} networks in {found.result.seconds:.1f} seconds.")

# %% tags=["lesson"]
exercises.predict("10-overlap", study_results.overlapping_table())

# %% [markdown]
# ## Test scores
#
# Every seed has its own labelled examples and its own batches. The bars are 95 % intervals of the mean
# (Student's t); the last column compares seed by seed.

# %%
display(figures.accuracies(found))
for name in settings.targets:
    display(tables.accuracies(found, name))

# %% [markdown]
# ## What is right and what is not
#
# What the experiment's networks predict for test examples, beside the truth.

# %%
for name in settings.targets:
    display(figures.outcome(found, name))

# %% [markdown] tags=["lesson"]
# The **confusion matrix** is for one class an image. Labels that are true or not get a row each,
# with recall and precision; numbers are drawn against the true ones.

# %% [markdown]
# ## What it was most wrong about
#
# The test examples on which the network of the seed that is best on its validation part puts the
# least on what is true; of numbers, those with the largest errors. Look for what they have in
# common, and for labels that are wrong.

# %%
for name in settings.targets:
    display(shown_examples.most_wrong(found, name))

# %% [markdown]
# ## Learning curves
#
# The score on validation examples while the networks learn. A curve that still gets better at the
# end calls for more steps.

# %%
for name in settings.targets:
    display(figures.learning_curves(found, name))

# %% [markdown] tags=["lesson"]
# A network says how sure it is of each prediction. It is **calibrated** if it is right as often as it
# says.

# %% tags=["lesson"]
exercises.predict("10-calibration", gain=study_results.calibration_gain(found))

# %% [markdown]
# ## Calibration
#
# Of all predictions with a confidence of 0.8, eight in ten should be right: points on the dashed
# line. Below the line, a network is overconfident. The expected calibration error is the mean
# distance from the line.

# %%
display(tables.calibration(found))
for name in filter(baselines.has_probabilities, settings.targets):
    display(figures.reliability(found, name))

# %% tags=["lesson"]
exercises.predict("10-cost")

# %% [markdown]
# ## Cost
#
# Parameters of one seed's networks; operations estimated from the shapes of the layers, with a
# backward pass counted as two forward passes.

# %%
tables.cost(found)

# %% [markdown]
# ## Verdict
#
# The baseline was chosen on validation examples; the comparison is made on test examples.

# %%
pages.Paragraph(found.verdict, strong=True)

# %% tags=["lesson"]
exercises.predict("10-three-seeds", study_results.few_seeds_table())

# %% [markdown]
# ## Model card
#
# What can be kept of all this: for each target, the network of the seed that is best on its
# validation part. Its numbers are its own; those above are means of all seeds.

# %%
for name in settings.targets:
    display(model_card.model_card(found, name))

# %% [markdown] tags=["lesson"]
# A **model card** tells whoever gets the file what they need to know before they use it. The first
# interval is for the test images, the other ones of this report are for the seeds: with few test
# images, the first is the wider by far.

# %% [markdown]
# ## Environment
#
# The same settings give the same numbers on the same machine with the same versions.

# %%
tables.environment(settings)

# %% [markdown]
# ## All settings

# %%
display(tables.all_settings(settings))
print("The same report again:", report.command(settings))

# %% tags=["hidden"]
report.Numbers(found)

# %% [markdown] tags=["lesson"]
# Here the report ends. `result.json` gets the numbers that the last cell keeps: settings, accuracies
# of every seed, baselines, cost, versions. Anyone who has this file can run the report again and
# should get the same numbers.
#
# ## 2. The same by a form
#
# The form does what the command does, without a terminal: choose, press the button, and read on; the
# report is made in a separate process.

# %% tags=["lesson"]
form.form(settings)

# %% [markdown] tags=["lesson"]
# You get a folder with four files: `report.html` to share (a single file that opens offline and
# prints well), `report.ipynb` to look inside, `result.json` to compute with, and `model.keras`, the
# best seed's network, to use (`simmim predict model.keras new-pictures`; one file for each target). If a
# report stops half-way, you get the notebook up to the error and no page: nobody can mistake half a
# report for a whole one.
# Try one label per class with either *Recipe*. How large is the gain now, and what happens to the
# calibration?

# %% tags=["lesson", "nbval-check-output"]
print(report.command(settings.replace(labels_per_class=1, seeds=5), "reports/one-label"))

# %% [markdown] tags=["lesson"]
# ## 3. Two exercises

# %% [markdown] tags=["lesson"]
# ### Exercise 1: Write the conclusion (medium, 10 minutes)
#
# A small report, with five seeds: the mean accuracies on validation images, and the accuracies of
# each seed on test images. Compare SimMIM with the baseline that a report compares with. How many
# percentage points is it ahead, with which half width of the 95 % interval, and what is the verdict:
# `"gain"`, `"loss"` or `"no clear difference"`? You may use `simmim_lib.foundation.intervals`.

# %% tags=["lesson"]
from simmim_lib.lessons.report.small_report import TEST, VALIDATION

for name, accuracy in VALIDATION.items():
    print(f"{name:13} validation {accuracy:.3f}  test {TEST[name]}")

conclusion = {
    "baseline": ...,  # a name
    "points": ...,  # SimMIM minus this baseline, the mean over the seeds
    "half width": ...,  # of its interval, in points, too
    "verdict": ...,
}
exercises.check("10-conclusion", conclusion)

# %% [markdown] tags=["lesson"]
# <details><summary>Hint</summary>
#
# Section "Verdict" says on which images the baseline is chosen, and on which the comparison is made.
# `intervals.difference(TEST["SimMIM"], TEST[...])` compares seed by seed.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# from simmim_lib.foundation import intervals
#
# found = intervals.difference(TEST["SimMIM"], TEST["fine-tune"])
# conclusion = {
#     "baseline": "fine-tune",  # the best of them on validation images
#     "points": found.mean,
#     "half width": found.half_width,
#     "verdict": found.verdict,
# }
# ```
#
# </details>

# %% [markdown] tags=["lesson"]
# ### Exercise 2: what a convolution costs (easy, 5 minutes)
#
# Write `convolution_flops(side, window, stride, inputs, outputs)`: the additions and multiplications
# that a convolution takes for one square image. Its input has `inputs` maps of `side` by `side`; its
# window is `window` by `window`; it gives `outputs` maps whose side is `side` divided by `stride`,
# rounded up. Count one multiplication and one addition for each weight at each place, and leave
# the bias out.


# %% tags=["lesson"]
def convolution_flops(side, window, stride, inputs, outputs):
    """Return how many additions and multiplications a convolution takes for one image."""
    ...


exercises.check("10-convolution-flops", convolution_flops)

# %% [markdown] tags=["lesson"]
# <details><summary>Hint</summary>
#
# Each place of each output map takes `window * window * inputs` products. How many places and maps
# are there?
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def convolution_flops(side, window, stride, inputs, outputs):
#     places = (-(-side // stride)) ** 2
#     return 2 * places * window * window * inputs * outputs
# ```
#
# </details>

# %% [markdown] tags=["lesson"]
# ## 4. Going deeper: many experiments
#
# A report is about one setting. To compare many, write them down as a grid, `grid.yaml`:
#
# ```yaml
# settings:
#   targets: [mnist]
#   seeds: 5
# grid:
#   source: [glyphs, none]
#   labels_per_class: [1, 2, 5, 10]
# ```
#
# - `simmim sweep grid.yaml --output results/` runs all eight on several workers of this machine, and
#   writes each result as soon as it is there. Stop it when you like: the same command resumes from
#   there. An experiment that fails is recorded with its error, and the others continue.
# - `simmim compare results/` turns the results into one page, even half-way: tables with intervals,
#   accuracy over any two fields, and accuracy against cost.
#
# Eight settings are eight chances to be lucky. A setting that is the best of many on a few seeds has
# to prove itself on new seeds.

# %% tags=["lesson"]
exercises.predict("10-sweep", study_results.sweep_table())

# %% [markdown] tags=["lesson"]
# ## 5. Going deeper: one experiment on several devices
#
# A sweep is many small experiments, and each free worker takes the next one. A *strategy* splits
# **one** experiment (*data parallelism*): every device holds a copy of the networks, takes its share
# of every batch, labelled and unlabelled, and exchanges predictions and gradients with the others.

# %% tags=["lesson"]
small = Settings(targets=("uci-digits",), labels_per_class=5, recipe="simmim", steps=40, seeds=2)
alone = run(small, baseline=False).probabilities["uci-digits"]
mirrored = run(small.replace(strategy="mirrored"), baseline=False).probabilities["uci-digits"]
largest = abs(mirrored - alone).max()

# %% tags=["lesson"]
number = devices.strategy("mirrored").num_replicas_in_sync
told = f"devices: {number}; the same probabilities, to 0.0001: {largest < 1e-4}"
exercises.predict("10-devices", told, largest=float(largest), devices=number)

# %% [markdown] tags=["lesson"]
# A sweep can use the workers of a Dask cluster, and a strategy several machines:
# [For operators](../docs/operators.md) says how, on Slurm, on Kubernetes and by hand.

# %% [markdown] tags=["lesson"]
# ## Recap

# %% tags=["lesson"]
exercises.score("10")

# %% [markdown] tags=["lesson"]
# - A report is a notebook with a cell tagged `parameters`; papermill fills it in and runs it.
# - An accuracy needs baselines that each take one thing away, and a value for every seed.
# - Compare seed by seed; let the interval decide the verdict; choose on validation images.
# - Accuracy is not everything: look at the confused classes, at the calibration and at the cost.
# - A sweep runs many settings, and the best of many must prove itself on new seeds.
# - A strategy splits one experiment across devices, and leaves its outcome unchanged.
#
# ## Where next
#
# A report is where every other lesson leads: ask a question of your own, perhaps on
# [your own pictures](03_simmim_model.ipynb). Or [start again](00_start_here.ipynb), and see how much
# of it you would now predict.
