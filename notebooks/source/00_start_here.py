# %% [markdown]
# # 00 Start here
#
# <!-- badge -->
#
# About 15 minutes. Afterwards you will be able to
#
# - say which of two methods called SimMIM this workbook is about,
# - use a panel: predict, run, explain,
# - tell whether your computer is ready for the lessons.

# %% tags=["setup"]
# The builder writes the setup cell.

# %% [markdown]
# ## Your first prediction
#
# You are given pictures of digits, but only a few of them come with a **label**, which says what
# digit they show. Run the next cell: click on it and press Shift + Enter. It takes a few seconds;
# then decide, and press *That is my guess*.

# %% tags=["imports"]
from simmim_lib import exercises
from simmim_lib.lessons.start_here import panels

exercises.predict("00-few-labels", panels.few_labels())

# %% [markdown]
# Two habits of this workbook are already in the picture that follows your guess:
#
# - **A baseline.** The dashed line is what guessing gives. A number on its own means little.
# - **A spread.** Which pictures happen to be labelled is luck. So everything is repeated with a
#   different choice of pictures; each repetition has its own *seed*, the number that starts the
#   random generator. The vertical bars are 95 % intervals of the mean over the seeds. They are wide
#   on the left: with one label per class, luck decides a lot.
#
# Labels are expensive, pictures are cheap. The lessons are about getting further and further with
# the same few labels.

# %% [markdown]
# ## How to use a panel
#
# 1. **Predict.** Answer the question first; what comes out is shown after your click. Any guess, even
#    a wrong one, makes the explanation stick.
# 2. **Run.** Move a slider and let go. The mouse works, and so does the keyboard: Tab moves from
#    control to control, the arrow keys change a value. Anything that takes longer than a second
#    shows a progress bar and can be cancelled; *Copy settings*, where there is one, prints the line
#    of Python that repeats the run.
# 3. **Explain.** Say in one sentence why it came out that way, then read on and compare.
#
# On GitHub, on paper or in a saved page you see each panel as a still picture. To move the sliders,
# open the notebook in JupyterLab or Colab and choose *Run > Run All Cells*.

# %% [markdown]
# ## Two methods called SimMIM
#
# | | the SimMIM of this workbook | the SimMIM you may have read about |
# |---|---|---|
# | stands for | Simultaneous Multivariate Information Maximization | A *Sim*ple Framework for *M*asked *I*mage *M*odeling |
# | comes from | an article on transfer learning, in Chinese, never peer-reviewed | [Xie et al., CVPR 2022](https://arxiv.org/abs/2111.09886) |
# | idea | transfer one network to several tasks at once, and maximise the information about all of them | mask patches of an image and let the network reconstruct them |
# | needs labels | a few, for the tasks | none: the hidden pixels are the answer |
# | in this workbook | the subject | [lesson 08](08_masked_images.ipynb), as one way to pre-train |
#
# They share a name and nothing else. If you search for "SimMIM", you will find the second.
#
# **What this workbook is.** The article asks a good question: how can one network serve several
# tasks that each have few labels? It also makes mistakes: its formula is not the loss it names, its
# program does not do what its text says, and its claims come without a single measurement. We take
# the question seriously and correct the rest in the open. Each claim is measured over several seeds,
# and you get the result even when it is "no gain".
#
# **What it is not.** It is not a survey of transfer learning, and its networks are tiny, so that
# they train in seconds while you watch. What holds for them need not hold for large ones; where the
# two are known to differ, the lesson says so.

# %% [markdown]
# ## The lessons
#
# | lesson | minutes | |
# |---|---|---|
# | 00 Start here | 15 | you are reading it |
# | [01 Transfer learning](01_transfer_learning.ipynb) | 100 | copy and freeze layers; when that helps and when it hurts |
# | [02 The loss formula](02_loss_formula.ipynb) | 100 | what the article's formula does when you minimise it |
# | [03 The SimMIM model](03_simmim_model.ipynb) | 110 | one network for several tasks: how to build it, and when it helps |
# | [04 Many tasks at once: task weights](04_task_weights.ipynb) | 100 | what task weights do, when tasks fight, and whether a clever weighting beats a tuned sum |
# | [05 Information maximisation](05_information_maximisation.ipynb) | 110 | what images without labels teach, when that collapses, and how to read digits without a single label |
# | [06 Medical images](06_medical_images.ipynb) | 105 | why accuracy misleads, what an alarm is worth, and how a network learns the hospital instead of the illness |
# | [07 Language](07_language.ipynb) | 100 | what a language model is worth in labels; three domains that teach one head |
# | [08 Masked image modelling](08_masked_images.ipynb) | 80 | the published SimMIM: pre-training without a label, and when it helps |
# | [09 Compute, privacy, interpretability](09_open_problems.ipynb) | 110 | what learning costs, what a promise of privacy is worth, and what a network looks at |
# | [10 Reports](10_report.ipynb) | 55 | your own experiment as a document to share; many settings at once |
#
# You need some Python and a rough idea of a neural network: layers, weights, a loss that training
# makes smaller. The lessons contain exercises: a check tells you what is wrong with a wrong answer,
# and hints and a solution are folded away below it.

# %% [markdown]
# ## Is your computer ready?
#
# The next cell checks everything the lessons need. Lines that begin with `ok` are fine; a line that
# begins with `FIX` says what is missing and what to type.

# %%
from simmim_lib.commands import doctor

print(doctor.report())

# %% [markdown]
# Each lesson runs on a *budget*. The default, `quick`, suits two processor cores: few seeds, a
# figure in a second or two. Conclusions rest on *stored results* from the budget `full`,
# with ten seeds. Every figure of a trained network says which budget it was made with.

# %% tags=["nbval-check-output"]
from simmim_lib.settings import BUDGETS, SEEDS

for budget, meaning in BUDGETS.items():
    print(f"{budget}: {SEEDS[budget]} seeds; {meaning}")

# %% [markdown]
# ## Recap

# %%
exercises.score("00")

# %% [markdown]
# - Here SimMIM means *Simultaneous Multivariate Information Maximization*; the published SimMIM is
#   another method.
# - A panel: predict, run, explain.
# - No accuracy without a baseline and a spread over seeds.
#
# ## Where next
#
# [Lesson 01, Transfer learning](01_transfer_learning.ipynb): what a network has learned on one task
# helps it on another. Sometimes.
