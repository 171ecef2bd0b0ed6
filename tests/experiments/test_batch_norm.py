"""Networks with BatchNormalization: their statistics stay, and small batches do not spoil them."""

from collections.abc import Iterator

import image_making
import keras
import numpy as np
import pytest

from simmim_lib import datasets, experiments, trunks
from simmim_lib.experiments import pretraining
from simmim_lib.settings import Settings
from simmim_lib.trunks import applications

SIZE = 32


@pytest.fixture(scope="module")
def target(tmp_path_factory) -> str:
    return f"folder:{image_making.fill_with_waves(tmp_path_factory.mktemp('data') / 'waves', 30)}"


def settings(target: str, trunk: str, **changes: object) -> Settings:
    fixed = {"image_size": SIZE, "batch_size": 8, "baseline": "none"}
    return Settings(targets=(target,), trunk=trunk, **fixed, **changes)


@pytest.fixture
def unpublished(monkeypatch) -> Iterator[None]:
    """Take networks of `keras.applications` as they are built, but with statistics of data."""

    def build(name: str, size: int, weights: str | None = None) -> keras.Model:
        network, random = built(name, size), np.random.default_rng(0)
        for layer in network.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.moving_mean.assign(random.normal(0, 0.1, layer.moving_mean.shape))
                layer.moving_variance.assign(random.uniform(0.5, 1.5, layer.moving_mean.shape))
        return network

    built = applications.build
    monkeypatch.setattr(applications, "build", build)
    yield
    pretraining._pretrained.cache_clear()


def by_name(network: keras.Model, name: str) -> dict[str, dict[str, np.ndarray]]:
    """Return the weights of a trunk inside a kept model, by block and name."""
    blocks = trunks.cut(network.get_layer("trunk"), trunks.describe(name).end_of, 0).variables
    return {
        block: {weight.path: weight.numpy() for weight in weights}
        for block, weights in blocks.items()
    }


def is_statistic(path: str) -> bool:
    return path.endswith(("moving_mean", "moving_variance"))


@pytest.mark.colab
@pytest.mark.slow
@pytest.mark.parametrize(("trunk", "frozen"), [("efficientnet-lite0", 7), ("mobilenet-v2", 6)])
def test_statistics_stay_to_the_bit_and_so_they_are_saved(
    target, trunk, frozen, tmp_path, unpublished
):
    asked = settings(target, trunk, frozen_layers=frozen, steps=4, seeds=2)
    result = experiments.run(asked)
    result.save(tmp_path / "model.keras", seed=1)
    saved = keras.models.load_model(tmp_path / "model.keras")
    published = pretraining.pretrained("imagenet", trunk).blocks
    for network in (result.model(0), result.model(1), saved):
        for position, (block, weights) in enumerate(by_name(network, trunk).items()):
            changed = []
            for (path, weight), before in zip(weights.items(), published[block], strict=True):
                if position < frozen or is_statistic(path):
                    np.testing.assert_array_equal(weight, before, err_msg=path)
                elif path.endswith("kernel"):
                    changed.append(not np.array_equal(weight, before))
            assert all(changed)
            assert any(map(is_statistic, weights))
    pixels = 255 * datasets.load(target, SIZE).test.images
    np.testing.assert_allclose(saved(pixels), result.probabilities[target][1], atol=1e-5)


@pytest.mark.slow
def test_fine_tuning_in_batches_of_eight_is_no_worse_than_a_probe(target):
    """With the statistics of batches, or steps as large as a fresh network's, it is near chance."""
    asked = settings(target, "efficientnet-lite0", steps=40, seeds=3)
    probe = experiments.run(asked).accuracy[target]
    fine_tuned = experiments.run(asked.replace(frozen_layers=5)).accuracy[target]
    assert (fine_tuned > probe - 0.15).all(), (probe, fine_tuned)
    assert (fine_tuned > 0.85).all(), fine_tuned
