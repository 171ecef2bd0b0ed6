"""The vision transformer, against Hugging Face's, by hand, and through a file."""

from pathlib import Path

import keras
import numpy as np
import pytest

from simmim_lib import masking, trunks
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments.pretexts import masked
from simmim_lib.trunks import published_vit, vit

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


def test_reconstruction_and_loss_are_those_of_hugging_face():
    with np.load(STORED) as stored:
        state = {name[6:]: stored[name] for name in stored.files if name.startswith("state/")}
        others = {name: stored[name] for name in stored.files if "/" not in name}
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


def test_weights_of_other_sizes_get_one_sentence():
    with np.load(STORED) as stored:
        state = {name[6:]: stored[name] for name in stored.files if name.startswith("state/")}
    wide = vit.Sizes(4, 48, 2, 3, 40, class_token=True)
    with pytest.raises(WorkbookError, match="build it with the sizes of the weights"):
        published_vit.load(masked_model(16, 3, wide), state, TINY)
    for sizes in (wide, vit.Sizes(4, 42, 2, 3, 40), vit.Sizes(8, 24, 2, 3, 40)):
        with pytest.raises(WorkbookError, match=r"of width 24 and patches of \(4, 4\) pixels"):
            published_vit.load(masked_model(16, 3, TINY), state, sizes)
    with pytest.raises(WorkbookError, match="have 2 blocks, but the network 1"):
        published_vit.load(masked_model(16, 3, TINY), state, vit.Sizes(4, 24, 1, 3, 40))
    with pytest.raises(WorkbookError, match=r"lack 'vit\.layers\.2\..*' *: give the state"):
        published_vit.load(masked_model(16, 3, TINY), state, vit.Sizes(4, 24, 3, 3, 40))


def test_weights_that_are_refused_leave_the_network_as_it_was():
    with np.load(STORED) as stored:
        state = {name[6:]: stored[name] for name in stored.files if name.startswith("state/")}
    model = masked_model(16, 3, TINY)
    before = model.get_weights()
    last = "vit.layers.1.mlp.fc2.weight"
    with pytest.raises(WorkbookError, match="block_2_thought"):
        published_vit.load(model, {**state, last: state[last][:-1]}, TINY)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


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
    layer = network.get_layer(vit.attention_layer("block_1"))
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
