"""Attribution: known maps of small functions, completeness, and what is refused."""

import subprocess

import keras
import numpy as np
import pytest
from processes import python_with

from simmim_lib import attribution
from simmim_lib.attribution import methods
from simmim_lib.errors import WorkbookError

IMAGES = np.random.default_rng(0).uniform(size=(3, 8, 8, 1)).astype(np.float32)
CLASSES = np.array([0, 2, 1])
METHODS = [
    attribution.gradients,
    attribution.integrated_gradients,
    attribution.smooth_grad,
    attribution.occlusion,
]


def small_network() -> keras.Model:
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="maps"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(6, activation="relu"),
            keras.layers.Dense(3),
        ]
    )


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return small_network()


def of_two(x):
    """F = ReLU(ReLU(x1) - 1 - ReLU(x2)), of images of two pixels, beside a class that is never."""
    from keras import ops

    first, second = x[:, 0, 0, 0], x[:, 0, 1, 0]
    value = ops.relu(ops.relu(first) - 1 - ops.relu(second))
    return ops.stack([value, 0 * value], axis=1)


def test_the_example_of_the_paper():
    found = attribution.integrated_gradients(of_two, [[[[3.0], [1.0]]]], 0)
    np.testing.assert_allclose(found.ravel(), (1.5, -0.5), atol=1e-4)
    elsewhere = [[[[-1.0], [0.5]]]]  # the way from there has its kink elsewhere
    found = attribution.integrated_gradients(of_two, [[[[3.0], [1.0]]]], 0, elsewhere)
    np.testing.assert_allclose(found.sum(), 1, atol=1e-3)


def linear(x):
    from keras import ops

    kernel = np.arange(1, 1 + 2 * 64, dtype=np.float32).reshape(64, 2) / 100
    return ops.matmul(ops.reshape(x, (-1, 64)), kernel)


def test_of_a_linear_network_each_map_is_known():
    kernel = np.arange(1, 1 + 2 * 64).reshape(64, 2)[:, 1].reshape(1, 8, 8, 1) / 100
    slopes = np.broadcast_to(kernel, IMAGES.shape)
    np.testing.assert_allclose(attribution.gradients(linear, IMAGES, 1), slopes, rtol=1e-5)
    np.testing.assert_allclose(
        attribution.smooth_grad(linear, IMAGES, 1, samples=2), slopes, rtol=1e-5
    )
    baseline = np.full((8, 8, 1), 0.5)
    np.testing.assert_allclose(
        attribution.integrated_gradients(linear, IMAGES, 1, baseline, steps=2),
        (IMAGES - 0.5) * slopes,
        atol=1e-5,
    )
    single = attribution.occlusion(linear, IMAGES, 1, side=1, stride=1, fill=0.25)
    np.testing.assert_allclose(single, (IMAGES - 0.25) * slopes, atol=1e-4)


def test_occlusion_shares_a_square_s_fall_among_its_pixels_squares():
    """Only the first pixel counts: each pixel has the mean over the squares that cover it."""

    def first(x):
        return x[:, 0, 0, :]

    image = np.ones((1, 3, 3, 1), np.float32)
    found = attribution.occlusion(first, image, 0, side=2, stride=1)[0, ..., 0]
    np.testing.assert_allclose(found, [[1, 0.5, 0], [0.5, 0.25, 0], [0, 0, 0]])


def test_the_last_square_reaches_the_edge():
    found = attribution.occlusion(linear, IMAGES, 0, side=3, stride=3)
    assert np.isfinite(found).all() and (found[:, -1, -1] != 0).all()


def test_integrated_gradients_are_complete_and_a_part_of_them_is_not(network):
    found = attribution.integrated_gradients(network, IMAGES, CLASSES)
    error = attribution.completeness_error(network, IMAGES, CLASSES, found)
    assert error.shape == (3,) and error.max() < 1e-3
    half = attribution.completeness_error(network, IMAGES, CLASSES, found / 2)
    assert half.max() == pytest.approx(0.5, abs=1e-3)


def test_a_way_that_jumps_is_left_incomplete_in_the_end(monkeypatch):
    """The gradient of a step is zero wherever one looks; more steps are taken, up to the limit."""
    from keras import ops

    def step(x):
        steep = 1e5 * (x[:, 0, 0] - 0.5)
        return ops.relu(steep) - ops.relu(steep - 1)

    taken, integrate = [], methods._integrated
    monkeypatch.setattr(
        methods, "_integrated", lambda *given: taken.append(given[-1]) or integrate(*given)
    )
    found = attribution.integrated_gradients(step, [[[[0.9]]]], 0)
    assert found.item() == 0
    assert taken == [64, 128, 256, 512, 1024, 2048]


def test_images_are_answered_for_one_by_one(network, monkeypatch):
    for method in METHODS:
        monkeypatch.setattr(methods, "STEPS", (8, 32))
        together = method(network, IMAGES, CLASSES)
        monkeypatch.setattr(methods, "TOGETHER", 2)
        np.testing.assert_allclose(method(network, IMAGES, CLASSES), together, atol=1e-6)
        monkeypatch.undo()
        if method is not attribution.smooth_grad:  # whose noise depends on how many there are
            alone = method(network, IMAGES[1:2], CLASSES[1:2])
            np.testing.assert_allclose(alone[0], together[1], atol=1e-6)


def test_smooth_grad_without_noise_is_the_gradient_and_with_it_a_mean(network):
    plain = attribution.gradients(network, IMAGES, CLASSES)
    quiet = attribution.smooth_grad(network, IMAGES, CLASSES, noise=0, samples=3)
    np.testing.assert_allclose(quiet, plain, atol=1e-6)
    loud = attribution.smooth_grad(network, IMAGES, CLASSES, noise=0.5)
    assert not np.allclose(loud, plain)
    again = attribution.smooth_grad(network, IMAGES, CLASSES, noise=0.5)
    np.testing.assert_array_equal(loud, again)
    assert not np.allclose(loud, attribution.smooth_grad(network, IMAGES, CLASSES, 0.5, seed=1))


def split(network: keras.Model) -> tuple[keras.Model, keras.layers.Layer]:
    return keras.Model(network.inputs[0], network.layers[-2].output), network.layers[-1]


def test_grad_cam_weighs_maps_by_their_mean_slopes(network):
    """With average pooling and one linear layer it is the class's own mix of the maps."""
    pooled = keras.Model(network.inputs, network.layers[1].output)
    kernel = np.array([[1.0, -1.0], [0.5, 2.0], [-2.0, 0.0], [0.0, 1.0]], np.float32)

    def head(features):
        return keras.ops.matmul(features, kernel)

    found = attribution.grad_cam(pooled, head, IMAGES, 1)
    maps = np.asarray(keras.Model(network.inputs, network.get_layer("maps").output)(IMAGES))
    known = np.maximum(maps @ kernel[:, 1:], 0) / 64
    np.testing.assert_allclose(found, known, atol=1e-6)
    assert found.shape == (3, 8, 8, 1)


def test_grad_cam_of_a_trunk_for_images_of_any_size(network):
    *layers, head = network.layers
    known = attribution.grad_cam(*split(network), IMAGES, 1)
    any_size = keras.Sequential([keras.Input((None, None, 1)), *layers])
    np.testing.assert_allclose(attribution.grad_cam(any_size, head, IMAGES, 1), known, atol=1e-6)


def test_grad_cam_needs_maps(network):
    trunk, head = split(network)
    with pytest.raises(WorkbookError, match="does not have a layer 'dense' with maps: choose maps"):
        attribution.grad_cam(trunk, head, IMAGES, 0, layer="dense")
    with pytest.raises(WorkbookError, match="does not have a layer '' with maps: choose maps"):
        attribution.grad_cam(trunk, head, IMAGES, 0, layer="")
    with pytest.raises(WorkbookError, match=r"\(3, 4, 8, 1\), but the network takes"):
        attribution.grad_cam(trunk, head, IMAGES[:, :4], 0)
    flat = keras.Sequential([keras.Input((64,)), keras.layers.Dense(3)])
    with pytest.raises(WorkbookError, match="any layer with maps: choose another method"):
        attribution.grad_cam(flat, lambda features: features, IMAGES.reshape(3, 64), 0)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("images", "classes", "told"),
    [
        (IMAGES, 3, "The classes go from 3 to 3, but this head has the classes 0 to 2"),
        (IMAGES, -1, "The classes go from -1"),
        (IMAGES, [0, 1], "one for each of the 3 images"),
        (IMAGES, 0.5, "classes is 0.5"),
        (IMAGES[:0], 0, "with n at least 1"),
        (IMAGES[0], 0, r"have the shape \(8, 8, 1\), but must be"),
        (np.where(IMAGES > 0.9, np.nan, IMAGES), 0, "values of images are NaN or infinite"),
        (IMAGES.astype(float) * 1e300, 0, "infinite in single precision"),
        ("a picture", 0, "images is 'a picture', but must be an array of numbers"),
        ([[1], [1, 2]], 0, r"images is \[\[1\], \[1, 2\]\], but must be an array of numbers"),
        (IMAGES, [[1], [1, 2]], r"classes is \[\[1\], \[1, 2\]\], but must be one whole number"),
        (
            np.repeat(IMAGES, 3, axis=-1),
            0,
            r"\(3, 8, 8, 3\), but the network takes \(None, 8, 8, 1",
        ),
        (IMAGES[:, :5], 0, r"\(3, 5, 8, 1\), but the network takes"),
    ],
)
def test_what_cannot_be_asked_is_refused(network, method, images, classes, told):
    with pytest.raises(WorkbookError, match=told):
        method(network, images, classes)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            lambda network: lambda x: {"one": network(x), "two": network(x)},
            "for one, one of one, two",
        ),
        (lambda network: lambda x: network(x)[:, 0], r"logits gives \(1,\), but must give"),
        (lambda network: lambda x: x, r"logits gives \(1, 8, 8, 1\)"),
        (lambda network: "my network", "logits gives 'my network'"),
    ],
)
def test_a_head_that_is_none_or_several_is_refused(network, method, asked, told):
    with pytest.raises(WorkbookError, match=told):
        method(asked(network), IMAGES, 0)


@pytest.mark.parametrize("method", METHODS[:-1])
def test_answers_that_no_tape_follows_are_told(network, method):
    with pytest.raises(WorkbookError, match="has no gradient: compute it with"):
        method(lambda images: np.asarray(network(images)), IMAGES, 0)


def test_other_bad_input_gets_one_sentence(network):
    with pytest.raises(WorkbookError, match=r"The baseline has the shape \(8, 8\), but an image"):
        attribution.integrated_gradients(network, IMAGES, 0, np.zeros((8, 8)))
    with pytest.raises(WorkbookError, match="64 of the 64 values of baseline are NaN"):
        attribution.integrated_gradients(network, IMAGES, 0, np.full((8, 8, 1), np.nan))
    with pytest.raises(WorkbookError, match="baseline is 'black', but must be an array of numbers"):
        attribution.integrated_gradients(network, IMAGES, 0, "black")
    for maps, told in (
        (IMAGES[:2], r"attributions have the shape \(2, 8, 8, 1\), but the images \(3, 8, 8, 1\)"),
        (IMAGES[:, :4], "one map for each image, of its height and width"),
        (1.0, r"attributions have the shape \(\)"),
        (IMAGES * np.nan, "192 of the 192 values of attributions are NaN"),
        ([[1], [1, 2], [3]], "attributions is .*, but must be an array of numbers"),
    ):
        with pytest.raises(WorkbookError, match=told):
            attribution.completeness_error(network, IMAGES, 0, maps)
    with pytest.raises(WorkbookError, match="seed is -1"):
        attribution.smooth_grad(network, IMAGES, 0, seed=-1)
    with pytest.raises(WorkbookError, match="a square can only cover images"):
        attribution.occlusion(lambda rows: rows, np.ones((2, 4)), 0)
    with pytest.raises(WorkbookError, match="fill is nan"):
        attribution.occlusion(network, IMAGES, 0, fill=np.nan)
    with pytest.raises(WorkbookError, match="steps is 1"):
        attribution.integrated_gradients(network, IMAGES, 0, steps=1)
    with pytest.raises(WorkbookError, match="noise is -1"):
        attribution.smooth_grad(network, IMAGES, 0, noise=-1)
    with pytest.raises(WorkbookError, match="side is 9, but must be a whole number from 1 to 8"):
        attribution.occlusion(network, IMAGES, 0, side=9)
    with pytest.raises(WorkbookError, match="stride is 6"):
        attribution.occlusion(network, IMAGES, 0, side=5, stride=6)


def test_layers_that_belong_to_several_models_are_seen_from_the_one_that_is_asked(network):
    """A layer's `output` is that of the first model it was built in."""
    *layers, head = network.layers
    shared = keras.Sequential([keras.Input((8, 8, 1)), *layers])
    known = attribution.grad_cam(*split(network), IMAGES, 1)
    np.testing.assert_allclose(attribution.grad_cam(shared, head, IMAGES, 1), known, atol=1e-6)


WITH_SALIENCY = """
import sys

import numpy as np
from saliency import core

given = np.load(sys.argv[1])
below, head = given["below"], given["head"]


def ask(images, call_model_args=None, expected_keys=None):
    hidden = np.tanh(images.reshape(len(images), -1) @ below)
    slopes = ((1 - hidden**2) * head) @ below.T
    return {
        core.INPUT_OUTPUT_GRADIENTS: slopes.reshape(images.shape),
        core.OUTPUT_LAYER_VALUES: hidden @ head,
        core.CONVOLUTION_LAYER_VALUES: given["maps"],
        core.CONVOLUTION_OUTPUT_GRADIENTS: given["slopes"],
    }


image, baseline = given["image"], given["baseline"]
np.savez(
    sys.argv[2],
    gradients=core.GradientSaliency().GetMask(image, ask),
    integrated=core.IntegratedGradients().GetMask(
        image, ask, x_baseline=baseline, x_steps=2_000, batch_size=100
    ),
    covered=core.Occlusion().GetMask(image, ask, size=3, value=0.25),
    cam=core.GradCam().GetMask(image, ask, should_resize=False, three_dims=False),
)
"""


@pytest.mark.slow
def test_maps_are_those_of_the_library_saliency(network, tmp_path):
    """It is given a small network in NumPy, and for Grad-CAM the maps of ours and their slopes."""
    import tensorflow as tf

    python, random = python_with("saliency"), np.random.default_rng(0)
    image = random.uniform(size=(8, 8, 1))
    baseline = random.uniform(size=(8, 8, 1))
    below, head = random.normal(size=(64, 6)) / 4, random.normal(size=6)

    def logits(images):
        hidden = tf.tanh(tf.reshape(images, (-1, 64)) @ below.astype(np.float32))
        return hidden @ head.astype(np.float32)[:, None]

    trunk, last = split(network)
    parts = keras.Model(network.inputs[0], network.get_layer("maps").output)
    rest = keras.Sequential([keras.Input((8, 8, 4)), *network.layers[1:]])
    with tf.GradientTape() as tape:
        maps = parts(image[None])
        tape.watch(maps)
        asked = rest(maps)[:, 1]
    given, answer = tmp_path / "given.npz", tmp_path / "answer.npz"
    np.savez(
        given,
        **{"image": image, "baseline": baseline, "below": below, "head": head},
        **{"maps": np.asarray(maps), "slopes": np.asarray(tape.gradient(asked, maps))},
    )
    subprocess.run([python, "-c", WITH_SALIENCY, given, answer], check=True, timeout=120)
    squares = np.zeros((8, 8, 1))  # theirs is the sum over squares that cover a pixel
    for row, column in np.ndindex(6, 6):
        squares[row : row + 3, column : column + 3] += 1
    ours = {
        "gradients": attribution.gradients(logits, image[None], 0),
        "integrated": attribution.integrated_gradients(logits, image[None], 0, baseline),
        "covered": squares * attribution.occlusion(logits, image[None], 0, 3, 1, fill=0.25),
        "cam": attribution.grad_cam(trunk, last, image[None], 1)[..., 0],
    }
    assert ours["cam"].any()
    with np.load(answer) as known:
        for name, found in ours.items():
            np.testing.assert_allclose(found[0], known[name], atol=1e-3, err_msg=name)
