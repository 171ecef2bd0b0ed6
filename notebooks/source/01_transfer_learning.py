# %% [markdown]
# # 01 Transfer learning
#
# <!-- badge -->
#
# About 20 minutes. You will be able to copy and freeze layers, and to tell whether that helped.

# %% tags=["setup"]
# The builder writes the setup cell.

# %% tags=["imports"]
from simmim_lib import exercises

# %% [markdown]
# ### Exercise 1: Count what is trained (easy, 5 minutes)


# %% tags=["nbval-check-output"]
def trainable_parameters(model, frozen_layers):
    """Return how many parameters of a Keras model are trained when its first layers are frozen.

    The layers are in `model.layers`; the first `frozen_layers` of them are frozen.
    """
    ...  # your code


exercises.check("01-trainable-parameters", trainable_parameters)

# %% [markdown]
# <details><summary>Hint</summary>
#
# A layer tells the number of its parameters: `layer.count_params()`. A slice such as
# `model.layers[2:]` leaves the first two layers out.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def trainable_parameters(model, frozen_layers):
#     return sum(layer.count_params() for layer in model.layers[frozen_layers:])
# ```
#
# </details>

# %% [markdown]
# ### Exercise 2: Copy and freeze (medium, 10 minutes)


# %% tags=["nbval-check-output"]
def copy_and_freeze(source_model, target_model, frozen_layers):
    """Copy the weights of the first `frozen_layers` layers into `target_model` and freeze them.

    Change `target_model` itself; leave the source model and all other layers as they are.
    """
    ...  # your code


exercises.check("01-freeze-and-copy", copy_and_freeze)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Walk through both lists of layers at once: `zip(source_model.layers, target_model.layers)`.
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
#     pairs = list(zip(source_model.layers, target_model.layers))
#     for source_layer, target_layer in pairs[:frozen_layers]:
#         target_layer.set_weights(source_layer.get_weights())
#         target_layer.trainable = False
# ```
#
# </details>

# %% [markdown]
# ### Exercise 3: A score before training (hard, 15 minutes)


# %% tags=["nbval-check-output"]
def leep(probabilities, labels):
    """Return the LEEP score, a natural logarithm, of a source model for a target task.

    `probabilities` has one row an image and one column a source class: what the source model says.
    `labels` are the target classes. Build P(source class, target class) from both, turn it into
    P(target class | source class), and with it give every image the probability of its own label;
    the score is the mean of the logarithms.
    """
    ...  # your code


exercises.check("01-leep", leep)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# With one-hot labels (one row an image) the joint table is
# `one_hot.T @ probabilities / len(labels)`: a row for each target class, a column for each source
# class. All its numbers add up to 1.
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
# `scipy.stats.t.ppf(0.975, degrees_of_freedom)` gives the quantile that an interval of 95 % needs on
# either side. The degrees of freedom are the number of pairs less one.
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
# ## Recap
#
# Copy, freeze, measure.
#
# ## Where next
#
# The loss formula.
