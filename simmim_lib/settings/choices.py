"""The names that settings choose from, each with what it stands for."""

ADAPTATIONS = {
    "fine-tune": "train the layers that are not frozen, and the head, together",
    "probe": "train the head only, on the features of the whole copied trunk",
    "probe-then-fine-tune": "a probe for the first half of the steps, then fine-tune",
    "gradual-unfreezing": "a probe first, then one more layer with each further part of the steps",
}
OPTIMIZERS = {
    "sgd": "plain gradient descent",
    "momentum": "gradient descent with momentum 0.9",
    "adam": "Adam",
    "adamw": "Adam with weight decay 0.004",
    "rmsprop": "RMSProp",
}
WEIGHTINGS = (
    *("fixed", "random", "uncertainty", "dwa", "gradnorm", "famo", "stch", "db-mtl"),
    *("mgda", "pcgrad", "cagrad", "imtl-g", "nash-mtl", "aligned-mtl"),
    *("upgrad", "dualproj", "config", "fairgrad"),
)
"""Names in `weighting.METHODS`, which says what each does."""

PRETEXTS = {
    "labels": "to tell the source's classes apart",
    "masked": "to fill in what is hidden of an image, without labels (lesson 08)",
    "contrastive": "to recognise two views of the same image among others, without labels",
    "next-word": "to foretell each token of a text from those before it (lesson 07)",
}
SCHEDULES = {
    "constant": "the same learning rate at every step",
    "cosine": "falling to zero along half a cosine wave",
    "warm-up": "rising over the first tenth of the steps, then falling like the cosine",
}
STRATEGIES = {
    "mirrored": "all GPUs of this machine, each with a share of every batch",
    "multi-worker": "the machines that TF_CONFIG names, which all run the same",
}
BUDGETS = {
    "quick": "two processor cores, a lesson in a minute or two",
    "full": "a GPU or patience: smaller error bars",
}
SEEDS = {"quick": 3, "full": 10}

CLASS_WEIGHTS = {
    "none": "every labelled image counts the same",
    "balanced": "every class counts the same, however many labelled images it has",
}
BASELINES = {
    "same-trunk": "the same network from scratch",
    "small-trunk": "the workbook's small network from scratch; the trunk itself would take minutes",
    "none": "nothing is trained for comparison",
}
RECIPES = {
    "fine-tune": "plain fine-tuning on the labelled images",
    "simmim": "what lesson 05 found to be good: images without labels teach, too",
}
