# %% [markdown]
# # 00 Start here
#
# <!-- badge -->
#
# About 10 minutes. Afterwards you will be able to
#
# - say which of two methods called SimMIM this workbook is about,
# - use a panel: predict, run, explain,
# - tell whether your computer is ready for the lessons.

# %% tags=["setup"]
# The builder writes the setup cell.

# %% [markdown]
# ## Your first panel
#
# Somebody gives you pictures of digits, but tells you only for a few of them which digit they show.
# The simplest way to read all the others: look for the most similar picture among the few, pixel by
# pixel, and say the same digit. Nothing is trained.
#
# **Predict.** You have *one* labelled picture of each of the ten digits. Of all the other pictures,
# how many are then read correctly?
#
# - (a) about one in ten, as by guessing
# - (b) about four in ten
# - (c) nearly all
#
# Decide for one of them. Then **run** the cell below: click on it and press Shift + Enter.

# %%
from simmim_lib.lessons.start_here import panels

panels.few_labels()

# %% [markdown]
# **Explain.** On the left you see the labelled pictures, on the right how well they serve. (b) is
# closest: one example is much better than guessing, and far from good, because people write the same
# digit in many ways. Now move the slider *Labels per class*, then choose another dataset. Every
# further label helps less than the one before, and photographs of clothes stay harder than digits.
#
# Two habits of this workbook are already in the picture:
#
# - **A baseline.** The dashed line is what guessing gives. A number alone means little.
# - **A spread.** Which pictures happen to be labelled is luck. So everything is repeated with other
#   pictures, each repetition with its own *seed*, the number that starts the random generator. The
#   vertical bars are 95 % intervals of the mean over the seeds. They are wide on the left: with one
#   label per class, luck decides a lot.
#
# Labels are expensive, pictures are cheap. The lessons are about getting far beyond this curve with
# the same few labels.

# %% [markdown]
# ## How to use a panel
#
# 1. **Predict.** Before you move anything, choose an answer. A guess of your own, right or wrong, is
#    what the explanation can hold on to.
# 2. **Run.** Move a slider and let go. The mouse works, and so does the keyboard: Tab goes from
#    control to control, the arrow keys change it. What takes longer than a second shows a bar and can
#    be cancelled; *Copy settings*, where there is one, prints the line of Python that repeats the run.
# 3. **Explain.** Say in one sentence why it came out like that, then read on and compare.
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
# | idea | carry one network over to several tasks at once, and maximise the information about all of them | hide patches of an image and let the network restore them |
# | needs labels | a few, for the tasks | none: the hidden pixels are the answer |
# | in this workbook | the subject | a later lesson (planned), as one way to pre-train |
#
# They share five letters and nothing else. If you search for "SimMIM", you will find the second.
#
# **What this workbook is.** The article has a good question: how can one network serve several tasks
# that each have few labels? It also has mistakes: its formula for the loss is not the one it names,
# its program does not do what its text says, and its claims come without a measurement. We take the
# question seriously and repair the rest in the open. Each claim is measured, over several seeds, and
# you are told the outcome also when it is "no gain".
#
# **What it is not.** It is no survey of transfer learning, and its networks are tiny, so that they
# train in seconds while you watch. What holds for them need not hold for a large one; where that is
# known to differ, the lesson says so.

# %% [markdown]
# ## The lessons
#
# | lesson | minutes | |
# |---|---|---|
# | 00 Start here | 10 | you are reading it |
# | [01 Transfer learning](01_transfer_learning.ipynb) | 40 | copy and freeze layers; when that helps and when it hurts |
# | [02 The loss formula](02_loss_formula.ipynb) | 60 | what the article's formula does when one minimises it |
# | [03 The SimMIM model](03_simmim_model.ipynb) | 60 | one network for several tasks: how to build it, and when it helps |
# | [04 Many tasks at once](04_task_weights.ipynb) | 45 | what task weights do, when tasks fight, and whether a clever weighting beats a tuned sum |
# | [05 Information maximisation](05_information_maximisation.ipynb) | 45 | what images without labels teach, when that collapses, and how to read digits without a label of theirs |
# | [10 Reports](10_report.ipynb) | 30 | an experiment of your own as a document to hand on; many settings, several machines |
#
# You need Python and the rough idea of a neural network: layers, weights, a loss that training makes
# smaller. Exercises stand in the lessons; a check tells you what is wrong with a wrong answer, and
# hints and a solution are folded below.

# %% [markdown]
# ## Is your computer ready?
#
# The next cell looks at everything that the lessons need. Lines that begin with `ok` are fine; a line
# that begins with `FIX` says what is missing and what to type.

# %%
from simmim_lib.commands import doctor

print(doctor.report())

# %% [markdown]
# Each lesson runs in a *budget*. The usual one, `quick`, suits two processor cores: few seeds, a
# figure in a second or two. Conclusions rest on stored *reference results* from the budget `full`,
# with ten seeds. Every figure of a trained network says which one made it.

# %% tags=["nbval-check-output"]
from simmim_lib.settings import BUDGETS, SEEDS

for budget, meaning in BUDGETS.items():
    print(f"{budget}: {SEEDS[budget]} seeds; {meaning}")

# %% [markdown]
# ## Recap
#
# - Here SimMIM means *Simultaneous Multivariate Information Maximization*; the published SimMIM is
#   another method.
# - A panel: predict, run, explain.
# - No accuracy without a baseline and a spread over seeds.
#
# ## Where next
#
# [Lesson 01, Transfer learning](01_transfer_learning.ipynb): what a network has learned on one task
# helps it with another. Sometimes.
