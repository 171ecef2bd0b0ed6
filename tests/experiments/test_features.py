"""Features that are kept on the disk: what they are kept for, how many, and what may go wrong."""

import os
from dataclasses import replace

import numpy as np
import pytest

from simmim_lib import datasets
from simmim_lib.commands import cli
from simmim_lib.experiments import features
from simmim_lib.experiments.features import frozen_features
from simmim_lib.experiments.sources import pretrained


@pytest.fixture
def slow(monkeypatch, tmp_path):
    """Let all features count as slow, and be kept in a folder of the test."""
    monkeypatch.setenv("SIMMIM_CACHE", str(tmp_path))
    monkeypatch.setattr(features, "SLOW", 0.0)
    frozen_features.cache_clear()
    yield tmp_path / "features"
    frozen_features.cache_clear()


@pytest.fixture(scope="module")
def few():
    data = datasets.load("uci-digits")
    part = datasets.Part(data.train.images[:7], data.train.labels[:7])
    return replace(data, train=part, test=part)


def computed(monkeypatch) -> list[int]:
    """Count how often features are computed."""
    calls: list[int] = []
    predict = features.training.predict
    monkeypatch.setattr(
        features.training, "predict", lambda *a, **k: calls.append(1) or predict(*a, **k)
    )
    return calls


def test_what_was_slow_is_read_by_the_next_process(slow, few, monkeypatch):
    source = pretrained("glyphs")
    first = frozen_features(source, 2, few)
    calls = computed(monkeypatch)
    frozen_features.cache_clear()  # as in a new process
    again = frozen_features(source, 2, few)
    assert calls == []
    np.testing.assert_array_equal(again.train.images, first.train.images)
    np.testing.assert_array_equal(again.test.images, first.test.images)
    assert again.train.labels is few.train.labels


def test_what_is_quick_is_not_kept(slow, few, monkeypatch):
    monkeypatch.setattr(features, "SLOW", 1e9)
    frozen_features(pretrained("glyphs"), 2, few)
    assert not slow.exists()


def test_other_images_weights_and_blocks_have_files_of_their_own(slow, few):
    swapped = replace(few, test=datasets.Part(few.test.images[::-1].copy(), few.test.labels))
    for source, frozen, data in (
        ("glyphs", 2, few),
        ("glyphs", 1, few),
        ("mnist", 2, few),
        ("glyphs", 2, swapped),
    ):
        frozen_features(pretrained(source), frozen, data)
    assert len(list(slow.iterdir())) == 4


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 truncated", b"no archive"])
def test_a_damaged_file_is_computed_anew(slow, few, content):
    expected = frozen_features(pretrained("glyphs"), 2, few).train.images
    (file,) = slow.iterdir()
    file.write_bytes(content)
    frozen_features.cache_clear()
    np.testing.assert_array_equal(
        frozen_features(pretrained("glyphs"), 2, few).train.images, expected
    )
    frozen_features.cache_clear()
    with np.load(file) as arrays:
        np.testing.assert_array_equal(arrays["train"], expected)


def test_a_full_disk_costs_time_and_a_sentence(slow, few, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.warns(UserWarning, match="could not be kept .*No space left on device"):
        found = frozen_features(pretrained("glyphs"), 2, few)
    assert len(found.train.images) == 7
    assert list(slow.iterdir()) == []


def test_what_was_used_longest_ago_goes_first(slow, few, capsys):
    for frozen in (1, 2, 3):
        frozen_features(pretrained("glyphs"), frozen, few)
    files = sorted(slow.iterdir(), key=lambda path: path.stat().st_size)
    for age, file in enumerate(files):  # the largest was used last
        os.utime(file, (1000 + age, 1000 + age))
    most = files[2].stat().st_size + files[1].stat().st_size
    oldest = files[0].stat().st_size
    assert features.forget(most) == oldest
    assert sorted(slow.iterdir()) == sorted(files[1:])
    assert cli.main(["data", "cache"]) == 0
    assert "of at most 2,000 MB" in capsys.readouterr().out
    assert cli.main(["data", "cache", "--clear"]) == 0
    assert list(slow.iterdir()) == []
    assert cli.main(["data", "cache", "--clear"]) == 0
    assert "0.0 MB were freed" in capsys.readouterr().out
