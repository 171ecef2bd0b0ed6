"""Devices for tests to write to: a mistake must not cost the machine its own."""

import os
from pathlib import Path

import pytest


def device(folder: Path, name: str) -> Path:
    """Return a device like /dev/null: the test's own where the real one could be replaced."""
    real = Path("/dev", name)
    if not real.is_char_device():
        pytest.skip(f"needs the device {real}")
    if os.geteuid():
        return real
    own = folder / name
    try:
        os.mknod(own, real.stat().st_mode, real.stat().st_rdev)
        own.open("rb").close()
    except OSError:
        pytest.skip("devices cannot be made here")
    return own
