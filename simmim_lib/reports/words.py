"""Words of a report: what its readers are told about settings, in sentences."""

from collections.abc import Collection, Sequence

from simmim_lib import datasets
from simmim_lib.experiments.baselines import PROBE
from simmim_lib.settings import PRETEXTS, Settings
from simmim_lib.trunks import FILE, IMAGENET, SENTENCE_PAIRS

MAX_NAMES = 12
"""Classes or labels that a sentence lists."""


def source_name(settings: Settings) -> str:
    """Return what readers call the source: "from scratch" where there is none."""
    if settings.source is None:
        return "from scratch"
    if settings.source == FILE:
        return settings.trunk_info.title
    titles = {IMAGENET: "ImageNet", SENTENCE_PAIRS: "pairs of sentences"}
    return titles.get(settings.source) or datasets.short_name(settings.source)


def start(settings: Settings) -> str:
    """Say where the weights come from that training starts with, in a sentence or two."""
    trunk = settings.trunk_info
    if settings.source is None:
        return f"The trunk, {trunk.title}, starts with random weights: nothing is copied."
    origin = {
        IMAGENET: "were trained on the photographs of ImageNet and published (licence "
        f"{trunk.licence})",
        SENTENCE_PAIRS: "were trained on more than a billion pairs of sentences and published "
        f"(licence {trunk.licence})",
        FILE: f"are in the file {trunk.file.name}; what they were trained on only their maker knows"
        if trunk.file
        else f"were published as {trunk.checkpoint}; what they were trained on their makers say",
    }.get(settings.source, f"were trained on all training {trunk.takes} of {source_name(settings)}")
    if settings.pretext != "labels":
        origin += f", {PRETEXTS[settings.pretext]}"
    return f"The trunk, {trunk.title}, starts with weights that {origin}. {_copies(settings)}"


def _copies(settings: Settings) -> str:
    blocks = len(settings.trunk_info.blocks)
    copied, frozen = _some(settings.copied_layers, blocks), _some(settings.depth, blocks)
    return f"Of its {blocks} blocks, {copied} are copied and {frozen} frozen to the end."


def _some(count: int, of_all: int) -> str:
    return {of_all: "all", 0: "none"}.get(count, str(count))


def baselines(settings: Settings, compared: Collection[str]) -> str:
    """Say which network is trained from scratch for comparison, and why it is that one.

    Args:
        settings: of the experiment.
        compared: the names of its baselines.
    """
    if settings.baseline == "none":
        return "Nothing is trained for comparison, since the setting baseline is 'none'."
    title = settings.trunk_info.title
    if settings.baseline == "same-trunk":
        return f"What is trained from scratch has the same trunk, {title}."
    return (
        f"From scratch, the workbook's small network is trained, and not {title}: from so few "
        "labelled images a network of that size learns next to nothing without its published "
        f"weights, and each seed would take minutes. {_worth(compared)} With baseline=same-trunk "
        "all of it is trained."
    )


def _worth(compared: Collection[str]) -> str:
    if PROBE in compared:
        return "What these weights are worth shows the probe, a linear head on their features."
    return "What was asked for is itself a probe, a linear head on the features of these weights."


def image_sizes(name: str, settings: Settings) -> str:
    """Say how large a dataset's images are, and how the trunk sees them.

    Raises:
        WorkbookError: as `datasets.load`.
    """
    if settings.trunk_info.takes == "texts":
        return f"texts, of which up to {settings.image_size} tokens are seen"
    seen = f"{settings.image_size} x {settings.image_size}"
    sizes = datasets.picture_sizes(name)
    if not sizes:
        height, width, _ = datasets.image_shape(name, settings.image_size)
        sizes = [(width, height)]
    by_area = sorted({*sizes}, key=lambda size: (size[0] * size[1], size))
    ends = [f"{width} x {height}" for width, height in dict.fromkeys((by_area[0], by_area[-1]))]
    own = " to ".join(ends)
    told = f"{own} pixels" if own == seen else f"{own} pixels, seen at {seen}"
    repeated = settings.trunk_info.colour and datasets.describe(name).channels == 1
    return f"{told}, grey repeated as colour" if repeated else told


def listed(names: Sequence[str]) -> str:
    """Return names in a row, and of many how many more there are."""
    more = len(names) - MAX_NAMES
    if more <= 0:
        return ", ".join(names)
    return f"{', '.join(names[:MAX_NAMES])} and {more} more"
