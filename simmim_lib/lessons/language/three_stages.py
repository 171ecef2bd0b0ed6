"""The three stages of ULMFiT, of which each and each of its manners can be left out.

Read an encyclopedia, then the target's own texts without their labels, then learn the labels, with
smaller steps for earlier layers and one more layer after the other.

Source: Howard and Ruder 2018, "Universal Language Model Fine-tuning for Text Classification".
"""

from dataclasses import dataclass

from simmim_lib import experiments
from simmim_lib.errors import check_choice
from simmim_lib.experiments.pretexts import next_word
from simmim_lib.experiments.pretrained import Pretrained
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.language.plain_methods import DOMAINS
from simmim_lib.settings import SEEDS, Settings
from simmim_lib.studies.described import Described
from simmim_lib.studies.measures import Measures
from simmim_lib.studies.registry import BUDGET
from simmim_lib.trunks.catalogue import WORDS

ARTICLES = "wikipedia"

LABELS = 25
"""Of each class."""

LAYER_DECAY = 1 / 2.6
"""What the authors multiply the size of a step by for each layer further down."""

OWN_TEXTS_STEPS, OWN_TEXTS_RATE = 60, 1e-3
"""Of the second stage: some three passes over a domain's sentences, with smaller steps."""


@dataclass(frozen=True, kw_only=True)
class Staged(Described):
    """A training in up to three stages.

    Attributes:
        tested_on: one of `DOMAINS`, whose labels are learnt, too.
        articles: whether the articles of Wikipedia are read first.
        own_texts: whether the target's own texts are read next, without labels.
        smaller_steps: whether earlier layers take smaller steps when the labels are learnt.
        gradually: whether layers are unfrozen one after the other then.
        seeds: draws of labelled texts.
    """

    tested_on: str
    articles: bool = True
    own_texts: bool = True
    smaller_steps: bool = True
    gradually: bool = True
    seeds: int = SEEDS[BUDGET]

    def __post_init__(self) -> None:
        """Refuse what is no domain of the lesson."""
        check_choice("domain", self.tested_on, DOMAINS)

    @property
    def settings(self) -> Settings:
        """How the labels are learnt."""
        return Settings(
            trunk=WORDS.name,
            source=ARTICLES if self.articles or self.own_texts else None,
            targets=(self.tested_on,),
            image_size=32,
            labels_per_class=LABELS,
            adaptation="gradual-unfreezing" if self.gradually else "fine-tune",
            layer_decay=LAYER_DECAY if self.smaller_steps else 1.0,
            steps=60,
            seeds=self.seeds,
            budget=BUDGET,
        )


def measure(staged: Staged, progress: Progress) -> Measures:
    """Train in stages.

    Returns:
        "accuracy" and "validation", each (seeds,).
    """
    source = read(staged)
    result = experiments.run(staged.settings, baseline=False, source=source, progress=progress)
    return {
        "accuracy": result.accuracy[staged.tested_on],
        "validation": result.validation[staged.tested_on],
    }


def read(staged: Staged) -> Pretrained | None:
    """Return the language model after its reading; none if it has read nothing."""
    model = pretrained(ARTICLES, WORDS.name, "next-word") if staged.articles else None
    if not staged.own_texts:
        return model
    return next_word.train(
        staged.tested_on,
        steps=OWN_TEXTS_STEPS,
        start=model.blocks if model else None,
        learning_rate=OWN_TEXTS_RATE,
    )
