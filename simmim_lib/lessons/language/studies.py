"""Studies of lesson 07: few labels, heads that are shared, and domains without a label."""

from typing import Any

from simmim_lib.lessons.language import probes, reading, three_stages
from simmim_lib.lessons.language.plain_methods import DOMAINS, PlainMethod, measure
from simmim_lib.settings import SEEDS, Settings
from simmim_lib.studies.measures import on_validation
from simmim_lib.studies.registry import BUDGET, study

COUNTS = (2, 4, 8, 25, 64)
"""Labels of each class."""

OTHERS_COUNTS = (8, 25, 64)
"""The same in two domains, where the third has none."""

INFORMATION, SPREAD = (1.0, 3.0, 10.0, 30.0, 100.0), (1.0, 2.0, 4.0, 8.0)
"""Weights of the term, and of its half that spreads predictions, that are tried."""

INFORMED: dict[str, Any] = {"recipe": "simmim", "information": 3.0, "spread": 2.0}
"""How sentences without labels teach: the smallest weights of all that are tried, first of the
term, then of the half, that are not clearly worse on validation sentences than the best."""

PLAIN: dict[str, Any] = {"recipe": "fine-tune", "information": 0.0}
SAME_STEPS: dict[str, Any] = {"recipe": "simmim", "information": 0.0}
"""As `INFORMED`, with its learning rate and its schedule, but without the sentences."""

RECIPES = (PLAIN, SAME_STEPS, INFORMED)

STEPS = 200


def minilm(targets: tuple[str, ...] = DOMAINS, **more: Any) -> Settings:
    """Return settings of heads on frozen MiniLM."""
    return Settings(
        trunk="minilm-l6",
        source="sentence-pairs",
        targets=targets,
        steps=STEPS,
        seeds=SEEDS[BUDGET],
        budget=BUDGET,
        **more,
    )


@study("Does learning three domains together help: with one head for all, or with own heads?")
def text_domains() -> list[Settings]:
    """Together and alone, shared and own heads, with and without sentences that have no label."""
    return [
        each
        for count in COUNTS
        for recipe in RECIPES
        for each in (
            minilm(labels_per_class=count, shared_heads=True, **recipe),
            minilm(labels_per_class=count, **recipe),
            *(minilm((name,), labels_per_class=count, **recipe) for name in DOMAINS),
        )
    ]


@study("How much should sentences without labels count, by validation?", on_validation)
def text_recipes() -> list[Settings]:
    """One head for all, with few labels; nothing is measured on test sentences."""
    return [
        minilm(
            labels_per_class=labels,
            shared_heads=True,
            recipe="simmim",
            information=information,
            spread=spread,
        )
        for information in INFORMATION
        for spread in SPREAD
        for labels in (8, 25)
    ]


@study("How good is a head for a domain of which it has seen no label?")
def text_domain_without_labels() -> list[Settings]:
    """Labels in two domains, none in the third, whose sentences still give information."""
    return [
        minilm(
            labels_per_class=tuple(0 if name == target else count for name in DOMAINS),
            shared_heads=True,
            **INFORMED,
        )
        for target in DOMAINS
        for count in OTHERS_COUNTS
    ]


@study("What do methods reach that practitioners try first?", measure, PlainMethod.from_mapping)
def text_plain_methods() -> list[PlainMethod]:
    """Counts of words and MiniLM's vectors by logistic regression; a word list; the majority."""
    no_label = [
        PlainMethod(method=method, learns_from=(), tested_on=target, labels_per_class=0, seeds=1)
        for method in ("majority", "word-list")
        for target in DOMAINS
    ]
    learnt = [
        PlainMethod(method=method, learns_from=(target,), tested_on=target, labels_per_class=count)
        for method in ("tf-idf", "linear")
        for target in DOMAINS
        for count in (*COUNTS, "all")
    ]
    return no_label + learnt


@study("Which domain teaches which?", measure, PlainMethod.from_mapping)
def text_domain_shift() -> list[PlainMethod]:
    """From each domain to each, and from two to the third."""
    pairs = [((one,), other) for one in DOMAINS for other in DOMAINS]
    two = [(tuple(name for name in DOMAINS if name != left), left) for left in DOMAINS]
    return [
        PlainMethod(method=method, learns_from=known, tested_on=target, labels_per_class=25)
        for method in ("tf-idf", "linear")
        for known, target in (*pairs, *two)
    ]


@study(
    "Which of forty probe sentences do they understand, and of which kind?",
    probes.measure,
    probes.ProbeTest.from_mapping,
)
def text_probes() -> list[probes.ProbeTest]:
    """Every method with all the labels of the three domains."""
    return [probes.ProbeTest(method=method) for method in probes.METHODS]


@study(
    "How well does a model of a hundred articles foretell texts that it has not read?",
    reading.measure,
    reading.Reading.from_mapping,
)
def text_perplexity() -> list[reading.Reading]:
    """Other articles, and the sentences of the three domains."""
    return [reading.Reading(tested_on=name) for name in ("wikipedia", *DOMAINS)]


@study("What does a model of a hundred articles give, against the same network from scratch?")
def text_small_model() -> list[Settings]:
    """Next words of Wikipedia first, or nothing; with few labels, and with all."""
    small: dict[str, Any] = {"trunk": "words", "image_size": 32, "budget": BUDGET}
    return [
        Settings(
            source=source,
            targets=(target,),
            labels_per_class=labels,
            steps=60 if labels == 25 else 120,
            seeds=SEEDS[BUDGET],
            **small,
        )
        for labels in (25, "all")
        for target in DOMAINS
        for source in (None, "wikipedia")
    ]


LEFT_OUT: tuple[dict[str, Any], ...] = (
    {},
    {"articles": False},
    {"own_texts": False},
    {"smaller_steps": False},
    {"gradually": False},
)
"""What a training in three stages does without, one thing at a time."""


@study(
    "Which of the three stages of ULMFiT, and which of its manners, does a small model need?",
    three_stages.measure,
    three_stages.Staged.from_mapping,
)
def text_three_stages() -> list[three_stages.Staged]:
    """Everything, and each thing left out once."""
    return [
        three_stages.Staged(tested_on=name, **change) for name in DOMAINS for change in LEFT_OUT
    ]
