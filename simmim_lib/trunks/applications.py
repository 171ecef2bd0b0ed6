"""Networks for photographs from `keras.applications`, as they were trained on ImageNet."""

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from simmim_lib.errors import WorkbookError
from simmim_lib.foundation import keras_setup

if TYPE_CHECKING:
    import keras

NAMES: Mapping[str, str] = {
    "mobilenet-v2": "MobileNetV2",
    "efficientnet-v2-b0": "EfficientNetV2B0",
    "convnext-tiny": "ConvNeXtTiny",
    "resnet50": "ResNet50",
}
"""What `keras.applications` calls them."""

FILES: Mapping[str, str] = {
    "mobilenet-v2": "mobilenet_v2_weights_",
    "efficientnet-v2-b0": "efficientnetv2-b0_",
    "convnext-tiny": "convnext_tiny_",
    "resnet50": "resnet50_weights_",
}
"""How the files begin in which Keras keeps their weights; those without a classifier end alike."""

MEAN_COLOUR = (103.939, 116.779, 123.68)
"""Of ImageNet's pixels, blue, green and red, from 0 to 255: ResNet-50 expects differences to it."""


def is_here(name: str) -> bool:
    """Tell whether Keras has downloaded a network's published weights.

    Args:
        name: of `NAMES`.
    """
    folder = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models"
    return any(folder.glob(f"{FILES[name]}*no*top.h5"))


@keras_setup.as_usual()
def build(name: str, size: int, weights: str | None = None) -> "keras.Model":
    """Return a network without its classifier.

    Args:
        name: of `trunks.catalogue`.
        size: the height and width of the images.
        weights: "imagenet" for the published ones, which Keras keeps when it has downloaded them
            once; by default fresh ones.

    Returns:
        A model from colour images (n, size, size, 3) in [0, 1] to features (n, units).

    Raises:
        WorkbookError: the published weights are neither in Keras's cache nor to be downloaded.
    """
    import keras
    from keras import applications, layers

    image = keras.Input((size, size, 3), name="image")
    options = {"include_top": False, "pooling": "avg", "input_tensor": _scale(name, image)}
    try:
        with warnings.catch_warnings():
            # That the weights were trained at another size is no news: any size may be asked for.
            warnings.simplefilter("ignore", UserWarning)
            network = getattr(applications, NAMES[name])(weights=weights, **options)
    except Exception as error:  # whatever a broken connection makes Keras raise
        if weights is None:
            raise
        raise WorkbookError(
            f"The weights of {name} that were trained on ImageNet are not on this machine and "
            f"cannot be downloaded ({type(error).__name__}): connect to the internet once, or use "
            "trunk='efficientnet-lite0', which comes with the workbook."
        ) from error
    features = layers.Identity(name="features")(network.output)
    return keras.Model(image, features, name="trunk")


def _scale(name: str, image: "keras.KerasTensor") -> "keras.KerasTensor":
    """Bring pixels from [0, 1] to what the network was trained on."""
    from keras import layers, ops

    if name == "mobilenet-v2":
        return layers.Rescaling(2, -1, name="scale")(image)
    scaled = layers.Rescaling(255, name="scale")(image)
    if name == "resnet50":
        blue_first = ops.flip(scaled, axis=-1)
        return layers.Normalization(mean=MEAN_COLOUR, variance=(1, 1, 1), name="centre")(blue_first)
    return scaled  # the others scale for themselves
