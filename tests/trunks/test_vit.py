"""The vision transformer, against Hugging Face's, by hand, and through a file."""

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from simmim_lib import masking, trunks
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments.pretexts import masked
from simmim_lib.trunks import attention, published_vit, vit

STORED = Path(__file__).with_name("vit_masked.npz")
TINY = vit.Sizes(4, 24, 2, 3, 40, class_token=True, epsilon=1e-12)
"""The sizes of the network in the file, a `ViTForMaskedImageModeling` of torch's seed 0."""


def masked_model(size, channels, sizes):
    network = vit.build(size, channels, sizes)
    image = keras.Input((size, size, channels))
    mask = keras.Input((size // sizes.patch,) * 2)
    filled = masked.fill_tokens(network, sizes, image, mask, masked.Plan(final_norm=True))
    return keras.Model([image, mask], filled)


def compare(model, images, mask, reconstruction, loss):
    found = np.array(model([images, mask.astype(np.float32)]))
    np.testing.assert_allclose(found, reconstruction, atol=1e-4, rtol=1e-4)
    assert float(masking.masked_l1(images, found, mask)) == pytest.approx(float(loss), rel=1e-4)


def read_stored():
    """Return the state of Hugging Face's network, and images with what it makes of them."""
    with np.load(STORED) as stored:
        state = {name[6:]: stored[name] for name in stored.files if name.startswith("state/")}
        return state, {name: stored[name] for name in stored.files if "/" not in name}


def test_reconstruction_and_loss_are_those_of_hugging_face():
    state, others = read_stored()
    model = masked_model(16, 3, TINY)
    published_vit.load(model, state, TINY)
    compare(model, **others)


@pytest.mark.slow
def test_the_same_with_the_library_itself():
    torch = pytest.importorskip("torch")
    library = pytest.importorskip("transformers")
    torch.manual_seed(1)
    config = library.ViTConfig(
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=40,
        image_size=16,
        patch_size=4,
        encoder_stride=4,
    )
    original = library.ViTForMaskedImageModeling(config).eval()
    images = np.random.default_rng(0).random((2, 16, 16, 3), np.float32)
    mask = masking.random_mask(2, 4)
    with torch.no_grad():
        for parameter in original.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3)
        out = original(
            pixel_values=torch.tensor(images.transpose(0, 3, 1, 2)),
            bool_masked_pos=torch.tensor(mask.reshape(2, 16)),
        )
    state = {name: value.numpy() for name, value in original.state_dict().items()}
    model = masked_model(16, 3, TINY)
    published_vit.load(model, state, TINY)
    compare(model, images, mask, out.reconstruction.numpy().transpose(0, 2, 3, 1), out.loss)


def other(**changes):
    return dataclasses.replace(TINY, **changes)


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        (other(width=48), r"cls_token' has the shape \(1, 1, 24\), .* needs \(1, 1, 48\)"),
        (other(patch=8), r"position_embeddings' has the shape \(1, 17, 24\), .* \(1, 5, 24\)"),
        (other(hidden=48), r"fc1\.weight' has the shape \(40, 24\), .* needs \(48, 24\)"),
        (other(class_token=False), r"position_embeddings' .* needs \(1, 16, 24\)"),
        (other(depth=1), "have 2 blocks, but the network 1"),
        (other(depth=3), r"lack 'vit\.layers\.2\..*' and 15 more: give the state .* with 3 blocks"),
    ],
)
def test_weights_of_other_sizes_get_one_sentence(sizes, words):
    with pytest.raises(WorkbookError, match=words):
        published_vit.load(masked_model(16, 3, sizes), read_stored()[0], sizes)


@pytest.mark.parametrize("sizes", [other(width=48), other(patch=8), other(depth=1), other(depth=3)])
def test_sizes_that_are_not_the_network_s_get_one_sentence(sizes):
    with pytest.raises(WorkbookError, match="The network has not"):
        published_vit.load(masked_model(16, 3, TINY), read_stored()[0], sizes)


def test_a_network_with_other_hidden_layers_gets_one_sentence():
    with pytest.raises(WorkbookError, match="weights for 'block_1_hidden' have the shapes"):
        published_vit.load(masked_model(16, 3, other(hidden=48)), read_stored()[0], TINY)


@pytest.mark.parametrize(("state", "words"), [(None, "are None"), ({1: 2}, "lack 'vit")])
def test_what_is_no_state_gets_one_sentence(state, words):
    with pytest.raises(WorkbookError, match=words):
        published_vit.load(masked_model(16, 3, TINY), state, TINY)


def test_what_is_no_vision_transformer_gets_one_sentence():
    with pytest.raises(WorkbookError, match="is no vision transformer"):
        published_vit.load(trunks.build_trunk("small-cnn"), read_stored()[0], TINY)


def test_weights_in_other_precisions_are_welcome():
    state, others = read_stored()
    model = masked_model(16, 3, TINY)
    published_vit.load(
        model, {name: array.astype(np.float64) for name, array in state.items()}, TINY
    )
    compare(model, **others)
    half = {name: tf.cast(array, tf.bfloat16).numpy() for name, array in state.items()}
    published_vit.load(model, half, TINY)


def every_array_in_a_wrong_shape():
    """Give each array of a state another shape, and what is no finite number."""
    state, _ = read_stored()
    for name, array in state.items():
        yield name, array[..., :-1]
        yield name, array[:-1]
        yield name, array[None]
        yield name, np.full_like(array, np.nan)
        yield name, np.full(array.shape, 1e300)  # infinite in single precision
        yield name, [[1], [1, 2]]
        yield name, np.zeros(array.shape, str)


def test_weights_that_are_refused_leave_the_network_as_it_was():
    state, _ = read_stored()
    model = masked_model(16, 3, TINY)
    before = model.get_weights()
    for name, wrong in every_array_in_a_wrong_shape():
        with pytest.raises(WorkbookError, match=name.replace(".", r"\.")):
            published_vit.load(model, {**state, name: wrong}, TINY)
    with pytest.raises(WorkbookError, match=r"lack '.*' and 40 more: give the state"):
        published_vit.load(model, {}, TINY)
    for one, again in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, again)


def test_the_largest_has_as_many_weights_as_its_authors_count():
    """86 million; without the final normalisation of the class token, which ours makes of the mean.

    By hand: the embedding, positions and class token; twelve blocks; a normalisation.
    """
    block = 4 * 768 * 768 + 4 * 768 + 2 * 768 * 3072 + 3072 + 768 + 4 * 768
    ends = 16 * 16 * 3 * 768 + 197 * 768 + 2 * 768
    assert vit.build(224, 3, vit.BASE_16).count_params() == 12 * block + ends


def state_of(sizes, grid, channels):
    """Return small random weights by the names of a `ViTForMaskedImageModeling`."""
    width, hidden, pixels = sizes.width, sizes.hidden, channels * sizes.patch**2
    patches = "vit.embeddings.patch_embeddings.projection"
    shapes = {
        "vit.embeddings.cls_token": (1, 1, width),
        "vit.embeddings.mask_token": (1, 1, width),
        "vit.embeddings.position_embeddings": (1, grid**2 + 1, width),
        f"{patches}.weight": (width, channels, sizes.patch, sizes.patch),
        f"{patches}.bias": (width,),
        "decoder.0.weight": (pixels, width, 1, 1),
        "decoder.0.bias": (pixels,),
        **{f"vit.layernorm.{part}": (width,) for part in ("weight", "bias")},
    }
    dense = {f"attention.{each}_proj": (width, width) for each in "qkvo"}
    dense |= {"mlp.fc1": (hidden, width), "mlp.fc2": (width, hidden)}
    for number in range(sizes.depth):
        start = f"vit.layers.{number}."
        for name, shape in dense.items():
            shapes |= {f"{start}{name}.weight": shape, f"{start}{name}.bias": shape[:1]}
        for name in ("layernorm_before", "layernorm_after"):
            shapes |= {f"{start}{name}.{part}": (width,) for part in ("weight", "bias")}
    random = np.random.default_rng(0)
    return {name: random.standard_normal(shape, np.float32) / 50 for name, shape in shapes.items()}


@pytest.mark.slow
def test_the_same_code_fills_in_images_of_224_pixels_with_the_largest():
    state = state_of(vit.BASE_16, 14, 3)
    model = masked_model(224, 3, vit.BASE_16)
    published_vit.load(model, state, vit.BASE_16)
    (layer,) = (each for each in model._flatten_layers() if each.name == "block_12_thought")
    last = "vit.layers.11.mlp.fc2.weight"
    np.testing.assert_array_equal(layer.get_weights()[0], state[last].T)
    images = np.random.default_rng(1).random((1, 224, 224, 3), np.float32)
    mask = masking.random_mask(1, 14).astype(np.float32)
    hidden = np.array(masking.pixels_of(mask, 224))
    one, other = (np.array(model([given, mask])) for given in (images, images + hidden))
    assert one.shape == images.shape and np.isfinite(one).all()
    np.testing.assert_allclose(one, other, atol=1e-4)


def test_a_network_comes_back_from_a_file(tmp_path):
    network = trunks.build_trunk("small-vit")
    network.set_weights(trunks.fresh_weights(network, 0))
    network.save(tmp_path / "vit.keras")
    images = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)
    again = keras.saving.load_model(tmp_path / "vit.keras")
    np.testing.assert_allclose(again(images), network(images), atol=1e-6)


def test_attention_is_spread_over_all_patches():
    network = trunks.build_trunk("small-vit")
    layer = network.get_layer(attention.layer_name("block_1"))
    images = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)
    found = np.array(keras.Model(network.inputs, layer.output)(images))
    assert found.shape == (3, vit.SMALL.heads, 16, 16)
    np.testing.assert_allclose(found.sum(axis=-1), 1, rtol=1e-5)


def test_fresh_positions_differ():
    """Equal ones would leave the network blind to where a patch is."""
    network = trunks.build_trunk("small-vit")
    kernel, bias = trunks.fresh_weights(network, 0)[:2]
    assert kernel.shape == (49, 64) and bias.shape == (16, 64)
    assert 0.01 < bias.std() < 0.03


def test_a_size_that_the_patch_does_not_divide_gets_one_sentence():
    with pytest.raises(WorkbookError, match="use a multiple of 7, such as 28"):
        vit.build(30, 1)


@pytest.mark.parametrize(("size", "channels"), [(0, 1), (28, 0), (28.0, 1), (3, 1)])
def test_images_that_are_none_get_one_sentence(size, channels):
    with pytest.raises(WorkbookError, match=r"^(size|channels) is"):
        vit.build(size, channels)


@pytest.mark.parametrize("field", ["patch", "width", "depth", "heads", "hidden"])
def test_sizes_of_no_network_get_one_sentence(field):
    with pytest.raises(WorkbookError, match=f"{field} is 0"):
        dataclasses.replace(vit.SMALL, **{field: 0})


@pytest.mark.parametrize("wrong", [{"epsilon": "a"}, {"epsilon": 0}, {"class_token": 2}])
def test_other_fields_of_no_network_get_one_sentence(wrong):
    with pytest.raises(WorkbookError, match=f"{next(iter(wrong))} is"):
        dataclasses.replace(vit.SMALL, **wrong)


def test_heads_that_do_not_divide_the_width_get_one_sentence():
    with pytest.raises(WorkbookError, match=r"64 cannot be divided among 3 heads: try .* of 63"):
        dataclasses.replace(vit.SMALL, heads=3)
