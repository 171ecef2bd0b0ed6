# %% [markdown]
# # 06 Medical images
#
# <!-- badge -->
#
# About 105 minutes; 85 without what goes deeper. Afterwards you will be able to
#
# - say why an accuracy alone misleads, and read sensitivity, specificity and an AUC in its place,
# - fix a threshold before the test, and say what an alarm is worth at another prevalence,
# - recognise a shortcut and a leak between patients, and say what each does to a result,
# - list what must be known before anybody may rely on such a network.
#
# You need lesson 01. Run cell by cell (Shift+Enter), and answer each question before you go on: what
# comes out is shown after your click.
#
# **Nothing here is a medical device.** The networks are for learning how to judge networks. None of
# them was tested on patients, and none may be used to decide about one. The images that come with the
# lesson are *computed*: no patient stands behind them.

# %% tags=["setup"]
# The builder writes the setup cell.

# %% tags=["imports", "folded"]
# @title Imports
import numpy as np

import simmim_lib
from simmim_lib import exercises
from simmim_lib.diagnostic_accuracy import confusion, threshold_for_sensitivity
from simmim_lib.lessons.medical_images import panels, readings, study_results

# %% [markdown] tags=["quoted"]
# ## 1. The network that always says "pneumonia"
#
# [PneumoniaMNIST](https://medmnist.com) holds small radiographs of children's chests, some of them
# with pneumonia ([Yang et al. 2023](https://doi.org/10.1038/s41597-022-01721-8)). A benchmark of many
# networks ([Doerrich et al. 2025](https://arxiv.org/abs/2404.15786)) lists one, SAM with a linear
# head, with an accuracy of 62.50 ± 0.00 over three seeds, at a threshold of 0.5, and an AUC of 81.
# (The AUC, the area under the ROC curve, is the chance that an ill person is ranked above a healthy
# one. There it is told in per cent: 100 is perfect, 50 is guessing. In our tables it is told from 0 to
# 1.)

# %%
exercises.predict("06-always-ill")

# %% [markdown]
# ## 2. Images of which everything is known
#
# Of real images nobody knows who was recognised by what. So this lesson computes its own: **chest
# phantoms**, with lungs, a heart, ribs, and in half of the patients an opacity of one of four kinds.
# Each patient has three images, and two devices take them. Device B prints a marker into the corner.

# %%
study_results.phantoms_figure()

# %% [markdown]
# The network below learns from these phantoms, starting from the glyphs of lesson 01. With
# PneumoniaMNIST on your disk, put `"pneumoniamnist"` in the place of `"chest-phantoms"`: the same cells
# run on it (the table of age groups aside, and it does not record whose an image is). The command
# `simmim data list` shows all sets, with their licences; that of DermaMNIST forbids commercial use.

# %%
settings = simmim_lib.Settings(
    source="glyphs",
    targets=("chest-phantoms",),
    labels_per_class="up to 900",
    frozen_layers=0,
    steps=600,
)
result = simmim_lib.run(settings, baseline=False)
validation, test = readings.best_network(result)
print(f"{len(test.labels)} test images, {np.mean(test.labels):.0%} of them of ill patients")

# %% [markdown]
# ## 3. A threshold, fixed before the test
#
# The network gives a probability. Somebody has to say from which one on a person is told to be ill.
# Two kinds of error follow, and two measures:
#
# - **sensitivity**: the share of the ill who are found,
# - **specificity**: the share of the healthy who are told so.
#
# A lower threshold finds more of the ill and alarms more of the healthy. We want nine in ten of the
# ill to be found, and choose the threshold for that on the *validation* images. Then, once, we look at
# the test.

# %%
threshold = threshold_for_sensitivity(validation.labels, validation.probabilities, 0.9)
counts = confusion(test.labels, test.probabilities, threshold)

# %%
exercises.predict(
    "06-alarmed",
    study_results.outcomes_table(counts),
    panels.threshold(test, threshold),
    counts=counts,
)

# %% [markdown]
# The interval of the AUC below comes from drawing the test patients anew, a thousand times. It draws
# *patients*, with all their images: three images of one patient are not three patients. Where nobody
# has recorded the patients, it can only draw images, and may be too narrow.

# %%
images = readings.test_part(result)
study_results.measures_table(test, counts, images.groups)

# %% [markdown]
# ### Exercise 1: Sensitivity from counts (easy, 5 minutes)


# %% tags=["nbval-check-output"]
def sensitivity_and_specificity(counts):
    """Return both, from an array of shape (2, 2).

    A row is what people have, a column what they were told; healthy comes first, ill second.
    """
    ...  # your code


exercises.check("06-sensitivity", sensitivity_and_specificity)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The ill stand in the second row, `counts[1]`; those of them who were found are its second number.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def sensitivity_and_specificity(counts):
#     healthy, ill = counts
#     return ill[1] / sum(ill), healthy[0] / sum(healthy)
# ```
#
# </details>

# %% [markdown]
# ### Exercise 2: An AUC is a probability (medium, 5 minutes)
#
# Take an ill and a healthy person at random. The AUC is the probability that the ill one has the
# higher probability of being ill. If both have the same, count it as half.


# %% tags=["nbval-check-output"]
def area_under_the_curve(labels, probabilities):
    """Return the AUC from all pairs of an ill person (label 1) and a healthy one (label 0)."""
    ...  # your code


exercises.check("06-auc", area_under_the_curve)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `probabilities[labels == 1]` are those of the ill. With `[:, None]` behind it, a comparison with
# those of the healthy gives a table of all pairs.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def area_under_the_curve(labels, probabilities):
#     ill = probabilities[labels == 1][:, None]
#     healthy = probabilities[labels == 0]
#     return ((ill > healthy) + 0.5 * (ill == healthy)).mean()
# ```
#
# </details>

# %% [markdown]
# ### Exercise 3: A threshold for a cost (medium, 10 minutes)
#
# A missed illness may cost ten times as much as a false alarm. Which threshold is cheapest?


# %% tags=["nbval-check-output"]
def cheapest_threshold(labels, probabilities, thresholds, missed, alarmed):
    """Return the threshold at which all errors together cost least; of several the lowest.

    Who has at least the threshold is told to be ill. An ill person who is told to be healthy costs
    `missed`, a healthy person who is told to be ill costs `alarmed`; `thresholds` rise.
    """
    ...  # your code


exercises.check("06-threshold-for-a-cost", cheapest_threshold)

# %% [markdown]
# <details><summary>Hint</summary>
#
# For each threshold count `labels[probabilities < threshold].sum()`, the missed, and in the same way
# the alarmed. `np.argmin` gives the first of several equal places.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def cheapest_threshold(labels, probabilities, thresholds, missed, alarmed):
#     costs = []
#     for threshold in thresholds:
#         told = probabilities >= threshold
#         costs.append(missed * np.sum(~told & (labels == 1)) + alarmed * np.sum(told & (labels == 0)))
#     return thresholds[np.argmin(costs)]
# ```
#
# </details>

# %% [markdown]
# ## 4. Where fewer people are ill

# %%
exercises.predict("06-worth-of-an-alarm")

# %% [markdown]
# ### Exercise 4: What an alarm is worth (easy, 5 minutes)


# %% tags=["nbval-check-output"]
def positive_predictive_value(sensitivity, specificity, prevalence):
    """Return which share of those who are told that they are ill, are ill."""
    ...  # your code


exercises.check("06-ppv", positive_predictive_value)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Think of one unit of people: `prevalence` of them are ill. How many of these are told so? And how
# many of the others?
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def positive_predictive_value(sensitivity, specificity, prevalence):
#     found = sensitivity * prevalence
#     alarmed = (1 - specificity) * (1 - prevalence)
#     return found / (found + alarmed)
# ```
#
# </details>

# %% [markdown]
# And the probabilities themselves? Let us leave out most of the test images of ill patients, until one
# in ten is of an ill one, and read the others again.

# %%
now = readings.at_prevalence(test, study_results.PREVALENCE_NOW)
exercises.predict(
    "06-fewer-ill",
    study_results.prevalence_table(test, now),
    study_results.calibration_figure(now, learnt_at=0.5),
    before=test,
    now=now,
)

# %% [markdown]
# ## 5. Two hospitals
#
# In a hospital, a portable device is brought to those who cannot walk. So the device tells something
# about the illness. Call it the **tie**: at 0 the devices take everybody alike, at 1 device B takes
# all of the ill and nobody else.

# %%
exercises.predict(
    "06-reversed-hospital", study_results.hospitals_figure(), panels.hospitals(tie=0.9)
)

# %%
exercises.predict("06-remedy", *study_results.remedy_compared())

# %% [markdown]
# ## 6. The same patient twice

# %%
exercises.predict("06-leak", study_results.leak_table())

# %% [markdown]
# ### Exercise 5: Find the leak (easy, 5 minutes)


# %% tags=["nbval-check-output"]
def leaked_images(train_patients, test_patients):
    """Return how many test images are of patients who have training images, too.

    Each array has the patient's number for each image.
    """
    ...  # your code


exercises.check("06-find-the-leak", leaked_images)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `np.isin(these, those)` says of each number among `these` whether it is among `those`.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def leaked_images(train_patients, test_patients):
#     return np.isin(test_patients, train_patients).sum()
# ```
#
# </details>

# %% [markdown]
# ## 7. What transfer brings where labels are few
#
# A label costs a doctor's time. The next figure is about a clinic with patients that no network has
# seen. Some networks start from photographs (ImageNet), others from glyphs, or from phantoms of
# *other* patients, all of them labelled. Two more have learnt from these phantoms *without* their
# labels, from hidden parts or from pairs of views ([lesson 08](08_masked_images.ipynb)). Those called
# SimMIM also look at the clinic's images without labels, as in lesson 05.

# %%
figure, table = study_results.few_labels_compared()
exercises.predict("06-few-labels", figure, table, panels.few_labels())

# %% [markdown]
# And real radiographs? The command `simmim study few-pneumonia-labels` has computed the next figure
# from PneumoniaMNIST's official parts. The images themselves do not come with the workbook.

# %%
exercises.predict("06-few-pneumonia", *study_results.pneumonia_compared())

# %% [markdown]
# The article promises most from *maximising information*. Two of the rows differ in that term alone.

# %%
exercises.predict("06-information", study_results.information_table())

# %% [markdown] tags=["quoted"]
# And with *all* labels? `simmim study pneumonia` trains heads on frozen features, which takes minutes,
# and then all of EfficientNet for six passes over the images, ten times, which takes most of an hour.
# Each row is the mean of ten networks. Its threshold is fixed on the validation images, where
# sensitivity and specificity are highest in sum. Whose an image is, is not recorded, so that the
# interval draws test images anew, and may be too narrow. The row in bold is chosen on validation
# images. For comparison, from the benchmark of section 1, at its threshold of 0.5: a ResNet-18
# trained whole has an AUC of 95.0 per cent and an accuracy of 83.1, its best row, a linear head on
# DINO's features, 97.3 and 86.6.

# %%
study_results.pneumonia_table()

# %% [markdown]
# ## 8. Going deeper: several findings at once
#
# A radiologist does not only say "ill": a report names findings, and an image may have several of
# them, or none. A head for such **labels that are true or not** has a probability for each. Rare
# findings are the difficulty: among images that are drawn blindly they hardly occur. With
# `labels_per_class=20` twenty images of *each* finding are labelled, so that all are learnt from
# alike. What comes out is then too high for the rare ones, and `for_prevalence` puts it right.

# %%
exercises.predict("06-together", study_results.together_table())

# %% [markdown]
# With the files of MedMNIST, the same works for real sets: pneumonia, the fourteen findings of
# ChestMNIST and tumours in ultrasound images of the breast, by one network:
# `simmim run --targets pneumoniamnist,chestmnist,breastmnist --labels-per-class 20`.

# %% [markdown]
# ## 9. Going deeper: another exposure
#
# The kinds and the severities in the panel are those of MedMNIST-C, a benchmark of such changes
# ([Di Salvo et al. 2024](https://arxiv.org/abs/2406.17536)).

# %%
exercises.predict(
    "06-brighter",
    panels.corruption(test, threshold),
    readings=panels.by_severity(test, "brighter"),
    at=threshold,
)

# %% [markdown]
# ## 10. Going deeper: refer when unsure, weigh the errors, look at groups

# %%
exercises.predict(
    "06-referred", study_results.referred_figure(test, threshold), reading=test, at=threshold
)

# %% [markdown]
# Who acts from a probability of 0.2 on takes one missed illness to be as bad as four false alarms.
# So each threshold tells what the errors weigh, and one can ask what a network is worth to somebody
# who weighs them so: illnesses found per person, less the weighed false alarms. That is its **net
# benefit** ([Vickers and Elkin 2006](https://doi.org/10.1177/0272989X06295361)).

# %%
exercises.predict("06-decision", study_results.decision_figure(test), reading=test)

# %% [markdown]
# A mean over everybody may hide a group that fares worse. Of the phantoms' patients about one in
# seven is a child, with smaller lungs. Are children read as well as the others?

# %%
study_results.subgroups_table(test, images, "age group")

# %% [markdown]
# Look at the intervals before you compare: the rarer a group, the wider its interval. Where they
# overlap widely, this test cannot tell the groups apart, and that is a finding, too: it says how many
# patients of the rare group a study would have to include.
#
# ## 11. Going deeper: your own scans, and what to write down
#
# A folder with a sub-folder for each class is a dataset, `folder:scans?group=_`, DICOM files
# included (`pip install pydicom`). Each is shown as its own tags ask for. What stands before the `_`
# in a file's name is the patient, who is then never in two parts.
#
# `simmim report -p targets chest-phantoms` writes a document with a **model card**: what the network
# is for, what it learnt from, how many patients and which prevalence each part has, a threshold fixed
# on validation images with what it does on test images, and where it failed. The headings follow
# [Mitchell et al. 2019](https://arxiv.org/abs/1810.03993) and the checklist
# [CLAIM](https://doi.org/10.1148/ryai.2020200029).

# %% [markdown]
# ## Recap

# %%
exercises.score("06")

# %% [markdown]
# - An accuracy can be had without looking at the images. Report sensitivity and specificity at a
#   threshold that was fixed before the test, and an AUC with an interval that draws patients.
# - What an alarm is worth depends on the prevalence; so do the probabilities.
# - A network takes the easiest way: a device that goes with the illness is a shortcut, and no AUC over
#   all images of the same hospital shows it.
# - Split by patient, or the test asks about people whom the network knows.
# - Before anybody relies on such a network, it must be written down what it is for, on whom it was
#   tested, against which standard, at which prevalence and threshold, for which groups, and where it
#   failed. This lesson's networks are not for use on people.
#
# ## Where next
#
# [Lesson 07](07_language.ipynb) leaves pictures for sentences, where one head for several domains pays.
# [Lesson 09](09_open_problems.ipynb) asks what a hospital's images may tell of its patients, what
# learning costs, and what a network looks at. In [lesson 10](10_report.ipynb) you run such an
# experiment on your own settings and images, and get a report.
