"""Which layers are frozen when: the stages of a training, by its adaptation.

This is the one place that says so; training, cost, drawings, tables and alternative texts read it
from `Settings.stages`, `Settings.depth` and `Settings.frozen_layer_names`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """A part of the training during which the same layers are frozen.

    Attributes:
        frozen: how many of the trunk's first layers are not trained.
        first: the number of training steps done before.
        last: the number of training steps done at its end.
    """

    frozen: int
    first: int
    last: int

    @property
    def steps(self) -> int:
        """How many training steps it takes."""
        return self.last - self.first


def stages_of(adaptation: str, steps: int, frozen_layers: int, layers: int) -> tuple[Stage, ...]:
    """Return the stages of a training, each of at least one step, in turn.

    A probe freezes all layers, whatever `frozen_layers` says. Gradual unfreezing gives each depth
    the same share of the steps, from a probe down to `frozen_layers`.

    Args:
        adaptation: a key of `choices.ADAPTATIONS`.
        steps: of the whole training.
        frozen_layers: how many layers stay frozen to the end, if the adaptation leaves a choice.
        layers: how many the trunk has.

    Source: Howard and Ruder 2018, "Universal Language Model Fine-tuning for Text
        Classification", section 3.3 (gradual unfreezing).
    """
    depths = {
        "fine-tune": (frozen_layers,),
        "probe": (layers,),
        "probe-then-fine-tune": (layers, frozen_layers),
        "gradual-unfreezing": tuple(range(layers, frozen_layers - 1, -1)),
    }[adaptation]
    ends = [steps * part // len(depths) for part in range(len(depths) + 1)]
    stages = map(Stage, depths, ends, ends[1:])
    return tuple(stage for stage in stages if stage.steps)
