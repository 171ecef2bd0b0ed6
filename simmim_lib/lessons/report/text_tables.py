"""Tables of lesson 10 that show texts: examples, and what a network is most wrong about."""

from simmim_lib import datasets
from simmim_lib.experiments.baselines import Findings
from simmim_lib.lessons.report import judgements
from simmim_lib.lessons.report.judgements import judge, label_text, of_each_class
from simmim_lib.reports.pages import Table
from simmim_lib.settings import Settings

EXAMPLES, MISTAKES = 8, 12

MAX_LINE = 300
"""Characters of a text that are shown."""


def examples(settings: Settings, name: str, role: str) -> Table:
    """List training texts of each class of a dataset.

    Args:
        settings: with the dataset.
        name: the dataset.
        role: what it is for, such as "target".
    """
    data = datasets.load(name)
    chosen, of_each, _ = of_each_class(data, EXAMPLES)
    title = f"{datasets.short_names(settings.datasets)[name]} ({role})"
    shown = [_shown(text) for text in data.train.images[chosen]]
    if not data.class_names:  # texts to read only, such as an encyclopedia
        rows = [(str(number), text) for number, text in enumerate(shown, start=1)]
        return Table(("number", "text"), rows, f"{title}: how some texts begin")
    labels = [label_text(data, label) for label in data.train.labels[chosen]]
    return Table(
        ("class", "text"), [*zip(labels, shown, strict=True)], f"{title}: {of_each} of each"
    )


def most_wrong(findings: Findings, target: str) -> Table:
    """List the test texts on which the best seed's network puts the least on what is true."""
    data, seed = findings.data(target), findings.result.best_seed(target)
    judged = judge(data, findings.asked.probabilities[target][seed])
    order, title = judgements.most_wrong(data, judged, MISTAKES)
    files = data.test.files or [f"test[{n}]" for n in range(len(judged))]
    rows = [
        (files[n], judged[n].true, judged[n].predicted, judged[n].sure, _shown(data.test.images[n]))
        for n in order
    ]
    head = ("file", "true", "predicted", "sure", "text")
    return Table(head, rows, f"{findings.names[target]}, seed {seed}: {title}")


def _shown(text: str) -> str:
    """Return a text, or its beginning, as one line."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_LINE else f"{line[: MAX_LINE - 4]} ..."
