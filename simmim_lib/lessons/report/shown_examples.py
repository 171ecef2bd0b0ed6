"""Examples in lesson 10, as pictures or as tables of texts."""

from simmim_lib import datasets
from simmim_lib.experiments.baselines import Findings
from simmim_lib.lessons.report import image_figures, text_tables
from simmim_lib.pictures.style import Picture
from simmim_lib.reports.pages import Table
from simmim_lib.settings import Settings


def examples(settings: Settings, name: str, role: str) -> Picture | Table:
    """Show training examples of each class of a dataset.

    Args:
        settings: with the trunk's size.
        name: the dataset.
        role: what it is for, such as "target".
    """
    if datasets.describe(name).content == "texts":
        return text_tables.examples(settings, name, role)
    return image_figures.examples(settings, name, role)


def most_wrong(findings: Findings, target: str) -> Picture | Table:
    """Show the test examples on which the best seed's network is most wrong."""
    if findings.data(target).holds_texts:
        return text_tables.most_wrong(findings, target)
    return image_figures.most_wrong(findings, target)
