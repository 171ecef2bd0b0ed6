"""How many cases are tried where any input must end well."""

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("SIMMIM_FUZZ", "1"))
"""Set this variable to try more, and others each time: 50 takes an hour or so."""

many_cases = settings(
    max_examples=2000 * TIMES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
