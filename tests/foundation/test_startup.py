"""What a process does when it starts: a card is shared."""

import pytest
import tensorflow as tf

from simmim_lib.foundation.startup import load_tensorflow

CARDS = ["GPU:0", "GPU:1", "GPU:2"]


def test_of_a_card_only_the_memory_is_taken_that_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a card is in use already, or its owner has divided it."""
    asked: list[tuple[str, bool]] = []

    def grow(device: str, enable: bool) -> None:
        asked.append((device, enable))
        if device == "GPU:0":
            raise RuntimeError("Physical devices cannot be modified after being initialized")
        if device == "GPU:1":
            raise ValueError("Cannot set memory growth on device when virtual devices configured")

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: CARDS)
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", grow)
    load_tensorflow()
    assert asked == [(card, True) for card in CARDS]
