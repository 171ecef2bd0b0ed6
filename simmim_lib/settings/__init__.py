"""The one description of an experiment, shared by widgets, reports, commands and results."""

from simmim_lib.settings.choices import (
    ADAPTATIONS,
    BASELINES,
    BUDGETS,
    OPTIMIZERS,
    PRETEXTS,
    RECIPES,
    SCHEDULES,
    SEEDS,
    STRATEGIES,
    WEIGHTINGS,
)
from simmim_lib.settings.experiment_settings import (
    MAX_COUNT,
    OPTIONS,
    RENAMED,
    Settings,
    as_text,
    check_field,
    check_not_renamed,
    check_recipe,
    check_task_weights,
    defaults_of,
    offers,
    parse,
    parse_texts,
)
from simmim_lib.settings.recipes import INFORMED
from simmim_lib.settings.stages import Stage

__all__ = [
    "ADAPTATIONS",
    "BASELINES",
    "BUDGETS",
    "INFORMED",
    "MAX_COUNT",
    "OPTIMIZERS",
    "OPTIONS",
    "PRETEXTS",
    "RECIPES",
    "RENAMED",
    "SCHEDULES",
    "SEEDS",
    "STRATEGIES",
    "WEIGHTINGS",
    "Settings",
    "Stage",
    "as_text",
    "check_field",
    "check_not_renamed",
    "check_recipe",
    "check_task_weights",
    "defaults_of",
    "offers",
    "parse",
    "parse_texts",
]
