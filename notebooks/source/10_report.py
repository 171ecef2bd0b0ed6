# %% [markdown] tags=["lesson"]
# # 10 Reports
#
# <!-- badge -->
#
# About 30 minutes, exercises included. Afterwards you will be able to
#
# - request an experiment with your own settings, and get a document that you can share,
# - say which baselines an accuracy needs for comparison, and why,
# - read a verdict that is derived from an interval, and know what it does not say,
# - tell what an experiment costs before you pay for it.
#
# You need lesson 01 (copy and freeze) and lesson 03 (several targets). Lesson 05 explains images
# without labels. This notebook is lesson and report in one: the cells with the pictures make up the
# report; the text around them, like this one, explains it and is left out when you make a report.

# %% tags=["setup"]
# The builder writes the setup cell.

# %% tags=["imports"]
from IPython.display import display

from simmim_lib import Settings, run
from simmim_lib.experiments import baselines
from simmim_lib.lessons.report import figures, image_figures, model_card, tables
from simmim_lib.reports import pages, report, words
from simmim_lib.training import devices

# %% [markdown] tags=["lesson"]
# ## 1. How to request one
#
# The next cell holds every field of `Settings` as a plain literal: what the report is about, and for
# all the rest the word `usual`, which leaves the value to the recipe, the trunk and the budget. The
# cell is tagged `parameters`, and that is all the magic there is: **papermill** inserts a cell with
# *your* values after it and runs the notebook. There are three ways to request a report:
#
# - with the workbook's own command, which also makes a page and a file of numbers:
#   `simmim report -p targets mnist,uci-digits -p labels_per_class 5 -p seeds 5 --output reports/digits`
# - with plain papermill, on a server where you already schedule notebooks:
#   `papermill notebooks/10_report.ipynb out.ipynb -p labels_per_class 5`
# - by hand: change the values here and run all cells, or use the form at the end.

# %% tags=["parameters"]
recipe = "simmim"
trunk = "usual"
source = "usual"
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
batch_size = "usual"
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

# %% [markdown] tags=["lesson"]
# The report starts here. The headings that follow are its sections.

# %% [markdown]
# ## What was asked
#
# The main settings, and all others that differ from their defaults. A complete list is at the end.

# %% tags=["nbval-check-output"]
settings = report.read_parameters(globals())
tables.asked(settings)

# %% [markdown] tags=["lesson"]
# A value that is not allowed stops the report *here*, with one sentence, and not after an hour of
# training. The command checks it even earlier: it checks all values, and the folder for the report,
# before it starts the notebook.
#
# **Predict.** You ask for `-p label_per_class 5`, without the *s*. What happens?
# - (a) the report runs with the default number of labels
# - (b) the report runs with five
# - (c) nothing runs, and you are asked whether you meant another name

# %% tags=["lesson", "nbval-check-output"]
try:
    report.parse_parameters([("label_per_class", "5")])
except ValueError as error:
    print(error)

# %% [markdown] tags=["lesson"]
# **Explain.** (c). Plain papermill would warn and carry on, which is (a): it does not know the name,
# so your value has no effect. Trust the table of what was asked, not your memory of what you typed.

# %% [markdown]
# ## The data
#
# Training images, and where the network's weights come from. Only some of the targets' training
# images have a label; no network ever learns from test images.

# %%
display(tables.data(settings), pages.Paragraph(words.start(settings)))
for name in settings.targets:
    display(image_figures.examples(settings, name, "target"))
if settings.source_dataset:
    display(image_figures.examples(settings, settings.source_dataset, "source"))

# %% [markdown]
# ## Baselines
#
# A score alone says little. These have the same labelled images, the same number of steps and the
# same seeds:

# %% tags=["training"]
compared = baselines.baselines(settings)

# %%
display(tables.ways(settings, compared), pages.Paragraph(words.baselines(settings, compared)))

# %% [markdown] tags=["lesson"]
# Why so many? Each takes one thing away. *From scratch* takes away the source, *probe* (a linear
# probe) the training of the copied layers, *fine-tune* freezing and images without labels, and
# *separate*, with several targets, the other targets. Only a gain over *all* of them is due to the
# settings as a whole.

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

# %% [markdown]
# ## Scores on test images
#
# Every seed has its own labelled images and its own batches. The bars are 95 % intervals of the mean
# (Student's t); the last column compares seed by seed.

# %%
display(figures.accuracies(found))
for name in settings.targets:
    display(tables.accuracies(found, name))

# %% [markdown] tags=["lesson"]
# **Predict.** In the picture two bars overlap. Can the last column of the table still call the
# difference a gain?
#
# - (a) no: overlapping bars mean no difference
# - (b) yes: the column compares seed by seed, and that can be much more precise
# - (c) only with more than thirty seeds
#
# **Explain.** (b). A seed with unlucky labelled images is unlucky for both methods. The bars contain
# that luck; the difference within a seed does not. So the verdict comes from the differences. (The
# reverse is possible, too: bars that hardly overlap may come from very few seeds.)

# %% [markdown]
# ## What is right and what is not
#
# What the experiment's networks predict for test images, beside the truth.

# %%
for name in settings.targets:
    display(figures.outcome(found, name))

# %% [markdown] tags=["lesson"]
# The **confusion matrix** is for one class an image. Labels that are true or not get a row each,
# with recall and precision; numbers are drawn against the true ones.

# %% [markdown]
# ## What it was most wrong about
#
# The test images on which the network of the seed that is best on its validation images puts the
# least on what is true; of numbers, those with the largest errors. Look for what they have in
# common, and for labels that are wrong.

# %%
for name in settings.targets:
    display(image_figures.most_wrong(found, name))

# %% [markdown]
# ## Learning curves
#
# The score on validation images while the networks learn. A curve that still gets better at the
# end calls for more steps.

# %%
for name in settings.targets:
    display(figures.learning_curves(found, name))

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

# %% [markdown] tags=["lesson"]
# A network can be right more often *and* less well calibrated: maximising information makes every
# prediction more confident, including the wrong ones. Ask for `information=1.0` and compare. If
# somebody is going to act on the probabilities, read this section before the one on scores.

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
# The baseline was chosen on validation images; the comparison is made on test images.

# %%
pages.Paragraph(found.verdict, strong=True)

# %% [markdown] tags=["lesson"]
# This sentence is computed, not written: *gain* or *loss* where the interval lies on one side of
# zero, *no clear difference* where zero lies inside. It says nothing about other datasets, other
# networks or other numbers of labels. And "no clear difference" is not "no difference": with three
# seeds, only a large difference is clear. Ask for more seeds.

# %% [markdown]
# ## Model card
#
# What can be kept of all this: for each target, the network of the seed that is best on its
# validation images. Its numbers are its own; those above are means of all seeds.

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
# ## 2. How to run one
#
# The form does what the command does, without a terminal: choose, press the button, and read on; the
# report is made in a separate process.

# %% tags=["lesson", "imports"]
import json

from simmim_lib import exercises
from simmim_lib.foundation.directories import data_directory
from simmim_lib.lessons.report import form

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
# ## 3. How to run many
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
# - `--scheduler tcp://host:8786` sends the experiments to a Dask cluster that is already running.
#
# Eight settings are eight chances to be lucky. A setting that is the best of many on a few seeds has
# to prove itself on new seeds.
#
# **Predict.** You sweep over 24 experiments. How long do two workers take if one takes a minute?
# - (a) half a minute: they never have to wait for each other
# - (b) more than half a minute
# - (c) a minute: two workers share one processor

# %% tags=["lesson"]
bench = json.loads((data_directory() / "results" / "bench.json").read_text("utf-8"))
for row in bench["rows"]:
    if "a sweep" in row["what"]:
        measured = row["measured"].replace("; ", ";\n  ")
        print(f"{row['what']} ({bench['cores']} processor cores):\n  {measured}")

# %% [markdown] tags=["lesson"]
# **Explain.** (b), and how much more depends on the experiments. Each worker imports TensorFlow and
# compiles for itself. That is done once, takes as long on two workers as on one, and matters less
# the longer the experiments take. To compile as little as possible, a worker goes through neighbours
# in the grid: put fields that change the network, such as `source` or `frozen_layers`, first.
#
# **More machines.** A sweep hands its experiments to any running
# [Dask](https://distributed.dask.org) scheduler. Install the same workbook for the scheduler, its
# workers and yourself, with `pip install distributed filelock pyyaml`. Anyone who can reach the
# scheduler's port can run code on the workers: keep it inside a network that you trust.
#
# <details><summary>By hand</summary>
#
# Run the first command on one machine, the second on each machine that should work, with as many
# workers as it has cores or GPUs (with GPUs, give each worker its own `CUDA_VISIBLE_DEVICES`), and
# the third on yours:
#
# ```
# dask scheduler
# dask worker tcp://HOST:8786 --nworkers 8 --nthreads 1
# simmim sweep grid.yaml --scheduler tcp://HOST:8786
# ```
#
# </details>
#
# <details><summary>On Slurm</summary>
#
# In one job; the scheduler's file has to be in a folder that all nodes share. If the time runs out,
# submit the job again: it resumes.
#
# ```
# #!/bin/sh
# #SBATCH --ntasks=32 --cpus-per-task=1 --mem-per-cpu=3G --time=02:00:00
# dask scheduler --scheduler-file scheduler.json &
# srun dask worker --scheduler-file scheduler.json --nthreads 1 &
# until [ -s scheduler.json ]; do sleep 1; done
# simmim sweep grid.yaml --scheduler \
#   "$(python -c "import json; print(json.load(open('scheduler.json'))['address'])")"
# ```
#
# Or let [dask-jobqueue](https://jobqueue.dask.org) submit the jobs, and keep this Python session
# open:
#
# ```python
# from dask_jobqueue import SLURMCluster
#
# cluster = SLURMCluster(cores=1, processes=1, memory="3GB", walltime="02:00:00")
# cluster.scale(32)
# print(cluster.scheduler_address)  # for --scheduler
# ```
#
# </details>
#
# <details><summary>On Kubernetes</summary>
#
# With [Dask's operator](https://kubernetes.dask.org), installed as its manual says, and an image that
# contains the workbook:
#
# ```python
# from dask_kubernetes.operator import KubeCluster
#
# command = ["dask", "worker", "--nthreads", "1"]
# KubeCluster(name="sweep", image="your/image", n_workers=8, worker_command=command)
# ```
#
# ```
# kubectl port-forward service/sweep-scheduler 8786
# simmim sweep grid.yaml --scheduler tcp://127.0.0.1:8786
# ```
#
# </details>

# %% [markdown] tags=["lesson"]
# ## 4. One experiment on several GPUs or machines
#
# A sweep is many small experiments, and each free worker takes the next one. A *strategy* splits
# **one** experiment (*data parallelism*): every device holds a copy of the networks, takes its share
# of every batch, labelled and unlabelled, and exchanges predictions and gradients with the others.
#
# **Predict.** Lesson 05's information term looks at the *mean* prediction of a batch. Two devices
# see half a batch each. Is the outcome the same as on a single device?
#
# - (a) no: each device spreads its own half over the classes
# - (b) yes: the predictions are gathered first, and the loss is that of the whole batch
# - (c) only without the information term

# %% tags=["lesson"]
small = Settings(targets=("uci-digits",), labels_per_class=5, steps=40, seeds=2)
alone = run(small, baseline=False).probabilities["uci-digits"]
mirrored = run(small.replace(strategy="mirrored"), baseline=False).probabilities["uci-digits"]
print("devices:", devices.strategy("mirrored").num_replicas_in_sync)
print("the same probabilities, to 0.0001:", abs(mirrored - alone).max() < 1e-4)

# %% [markdown] tags=["lesson"]
# **Explain.** (b). `strategy="mirrored"` uses all GPUs of a machine (here perhaps only one device)
# and changes nothing but where the work is done. Each step waits for the slowest device and for the
# communication, so it pays off for large networks and batches; for networks as small as ours, a
# sweep is usually the better use of a second GPU. Only `weighting="fixed"` can be split.
#
# `strategy="multi-worker"` does the same across machines. **Every machine runs the same command**,
# in a new process, and waits until all are there; the first one writes the files. If one dies, the
# run ends for all. The environment variable `TF_CONFIG` says where the machines are and which of
# them this is.
#
# <details><summary>By hand</summary>
#
# On the first of two machines; the second has `"index": 1`.
#
# ```
# export TF_CONFIG='{"cluster": {"worker": ["10.0.0.1:8470", "10.0.0.2:8470"]},
#                    "task": {"type": "worker", "index": 0}}'
# simmim run --strategy multi-worker --output result.json
# ```
#
# </details>
#
# <details><summary>On Slurm</summary>
#
# `srun --nodes 2 --ntasks-per-node 1 --gpus-per-node 4 python my_run.py`, where `my_run.py` fills
# `TF_CONFIG` from TensorFlow's own resolver (on nodes without GPUs:
# `SlurmClusterResolver(gpus_per_node=1, gpus_per_task=1, auto_set_gpu=False)`):
#
# ```python
# import json
# import os
#
# import tensorflow as tf
#
# import simmim_lib
#
# resolver = tf.distribute.cluster_resolver.SlurmClusterResolver()
# cluster = resolver.cluster_spec().as_dict()  # first: the resolver learns its task from this
# task = {"type": resolver.task_type, "index": resolver.task_id}
# os.environ["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": task})
# settings = simmim_lib.Settings(strategy="multi-worker")
# simmim_lib.run(settings).to_json("result.json")
# ```
#
# </details>
#
# <details><summary>On Kubernetes</summary>
#
# Kubeflow's `TFJob` sets `TF_CONFIG` in every pod, so that `simmim run --strategy multi-worker` is
# enough. Without Kubeflow, an Indexed Job with a headless service gives pods fixed names for
# `cluster`, and `JOB_COMPLETION_INDEX` is the `index`.
#
# </details>

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
# ## Recap
#
# - A report is a notebook with a cell tagged `parameters`; papermill fills it in and runs it.
# - An accuracy needs baselines that each take one thing away, and a value for every seed.
# - Compare seed by seed; let the interval decide the verdict; choose on validation images.
# - Accuracy is not everything: look at the confused classes, at the calibration and at the cost.
# - A sweep runs many settings, and the best of many must prove itself on new seeds.
# - A strategy splits one experiment across devices or machines, and leaves its outcome unchanged.
#
# ## Where next
#
# You have reached the last lesson: [start again](00_start_here.ipynb) with a question of your own.
