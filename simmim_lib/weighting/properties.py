"""What each weighting promises of its steps, whatever losses and gradients: a table to choose by.

A promise that a single example breaks is not in the table, even if it nearly always holds.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Property:
    """A promise, and who keeps it.

    Attributes:
        meaning: a sentence for readers, without a full stop.
        methods: names of `weighting.METHODS`, in their order.
    """

    meaning: str
    methods: tuple[str, ...]


PROPERTIES = {
    "non-conflicting": Property(
        "to first order, a step makes no task's loss rise",
        ("mgda", "nash-mtl", "upgrad", "dualproj", "fairgrad"),
    ),
    "scale-equivariant": Property(
        "all losses multiplied by one number, the step is multiplied by it, too",
        (
            *("fixed", "random", "dwa", "gradnorm", "famo", "mgda", "pcgrad", "cagrad", "imtl-g"),
            *("aligned-mtl", "upgrad", "dualproj", "config"),
        ),
    ),
    "permutation-invariant": Property(
        "the order in which the tasks are given does not matter",
        (
            *("fixed", "uncertainty", "dwa", "gradnorm", "famo", "stch", "db-mtl", "mgda"),
            *("cagrad", "imtl-g", "nash-mtl", "aligned-mtl", "upgrad", "dualproj", "config"),
            "fairgrad",
        ),
    ),
    "constant sum": Property(
        "the weights add up to one or, where gradients are summed, to the number of tasks",
        ("fixed", "random", "dwa", "gradnorm", "famo", "stch", "mgda", "imtl-g"),
    ),
    "linear under scaling": Property(
        "the step is a sum with a part for each task, in proportion to that task's loss",
        ("fixed", "random", "dwa", "pcgrad", "upgrad", "config"),
    ),
}
"""By name. For methods that remember, a property is one of whole trainings; for those that draw, of
the same draws. FAMO's is one for losses well above the lowest that they can reach: what is nearer
than 1e-8 to that counts as 1e-8.

ConFIG conflicts with no gradient unless they depend on each other, which in a network they never
do exactly; that is no promise, so it is left out of the first row.

Source: Quinton and Rey 2024, "Jacobian Descent for Multi-Objective Optimization", section 2.2
(non-conflicting, linear under scaling).
"""
