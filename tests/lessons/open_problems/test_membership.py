"""Membership inference: who learns from what, and who may be a shadow of whom."""

import numpy as np
import pytest

from simmim_lib.errors import WorkbookError
from simmim_lib.lessons.open_problems import membership
from simmim_lib.lessons.open_problems.membership import Membership, halves, shadows_of


def test_each_network_learns_from_half_and_each_image_is_in_half_of_any_network_s_shadows():
    present = halves(10)
    assert (present.sum(axis=1) == membership.EXAMPLES // 2).all()
    for target in range(10):
        shadows = shadows_of(target, 10)
        assert shadows.sum() == 8 and not shadows[target]
        assert (present[shadows].sum(axis=0) == 4).all()  # which says nothing of the target


def test_heads_without_a_promise_betray_their_members(monkeypatch):
    monkeypatch.setattr(membership, "EXAMPLES", 200)
    found = membership.attacked(
        Membership(training="head, not private", seeds=4), lambda done, total: None
    )
    assert found["shadows found"].shape == (len(membership.FALSE_POSITIVES), 4)
    assert found["shadows area"].mean() > 0.55
    assert (np.diff(found["loss found"], axis=0) >= 0).all()
    assert found["loss found"][-1].tolist() == [1] * 4
    assert found["accuracy"].shape == (4,)


def test_networks_come_in_pairs():
    with pytest.raises(WorkbookError, match="seeds is 5, but must be even"):
        Membership(seeds=5)
