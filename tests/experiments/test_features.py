"""Features that are kept on the disk: what they are kept for, how many, and what may go wrong."""

import contextlib
import os
from dataclasses import replace

import keras
import numpy as np
import pytest

from simmim_lib import datasets, trunks
from simmim_lib.commands import cli
from simmim_lib.experiments import features
from simmim_lib.experiments.features import fitted, frozen_features
from simmim_lib.experiments.pretraining import pretrained


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
    train = datasets.Part(data.train.images[:7], data.train.labels[:7])
    return replace(
        data, train=train, test=datasets.Part(data.test.images[:5], data.test.labels[:5])
    )


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


def test_what_is_read_counts_as_used(slow, few):
    frozen_features(pretrained("glyphs"), 2, few)
    (file,) = slow.iterdir()
    os.utime(file, (1000, 1000))
    frozen_features.cache_clear()
    frozen_features(pretrained("glyphs"), 2, few)
    assert file.stat().st_mtime > 1000


def test_another_size_or_weight_or_trunk_has_a_file_of_its_own(few):
    weights = [np.zeros(3), np.ones(2)]
    paths = {
        features._path(*asked, few)
        for asked in (
            (weights, "efficientnet-lite0", 3, 32),
            (weights, "efficientnet-lite0", 3, 40),
            (weights, "efficientnet-lite0", 2, 32),
            (weights, "mobilenet-v2", 3, 32),
            ([np.zeros(3), np.zeros(2)], "efficientnet-lite0", 3, 32),
            ([np.ones(3), np.ones(2)], "efficientnet-lite0", 3, 32),
        )
    }
    assert len(paths) == 6


def test_a_file_s_network_with_other_layers_has_a_file_of_its_own(few, tmp_path):
    """A user's, saved anew under its name: another scaling changes all features and no weight."""
    trunk, weights, paths = f"file:{tmp_path / 'mine.keras'}?blocks=features", [np.zeros(3)], []
    for scale in (1.0, 1.0, 255.0):
        images = keras.Input((28, 28, 1), name="images")
        scaled = keras.layers.Rescaling(scale, name="scale")(images)
        pooled = keras.layers.GlobalAveragePooling2D(name="features")(scaled)
        keras.Model(images, pooled, name="mine").save(tmp_path / "mine.keras")
        paths.append(features._path(weights, trunk, 1, 28, few))
    assert paths[0] == paths[1] != paths[2]


@pytest.mark.slow
def test_features_are_those_at_the_size_that_is_asked_for(few):
    source = pretrained(trunks.IMAGENET, "efficientnet-lite0")
    for size in (32, 48):
        found = frozen_features(source, 1, few, size)
        assert found.train.images.shape == (7, size // 2, size // 2, 32)
        assert found.test.images.shape == (5, size // 2, size // 2, 32)


def test_fitted_images_are_enlarged_and_repeated(few):
    found = fitted(few, (56, 56, 3))
    for part, given in ((found.train, few.train), (found.test, few.test)):
        assert part.images.shape == (len(given), 56, 56, 3)
        np.testing.assert_array_equal(part.images[..., :1], part.images[..., 1:2])
        np.testing.assert_array_equal(part.images[..., :1], part.images[..., 2:])
        # Between the centres of pixels, so that the mean over each two by two is near the pixel.
        means = part.images[..., :1].reshape(len(given), 28, 2, 28, 2, 1).mean(axis=(2, 4))
        np.testing.assert_allclose(means, given.images, atol=0.35)
        assert np.abs(means - given.images).mean() < 0.05
        assert part.labels is given.labels


def test_progress_goes_on_from_the_training_part_to_the_test_part(few, monkeypatch):
    told = []

    @contextlib.contextmanager
    def bar(title):
        yield lambda *now: told.append((title, *now))

    monkeypatch.setattr(features, "progress_bar", bar)
    monkeypatch.setattr(features, "UNNOTICED", -1.0)
    frozen_features.cache_clear()
    frozen_features(pretrained("glyphs"), 3, few)
    assert told == [(f"Features of {few.title}", done, 12) for done in (7, 12)]
