"""How hard tests with random input try: `SIMMIM_FUZZ=10` lets each try ten times as much."""

import os

from hypothesis import HealthCheck, settings

fuzzed = settings(
    max_examples=2000 * int(os.environ.get("SIMMIM_FUZZ", "1")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
