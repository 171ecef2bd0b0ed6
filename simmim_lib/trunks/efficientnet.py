"""EfficientNet-Lite0: a network for photographs, made for small devices, trained on ImageNet."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import keras

FEATURES = 1280
MIDDLE = (4, 5, 6)
"""The stages whose features `build_middle` returns."""

EPSILON = 1e-3
"""What BatchNormalization adds to a variance."""


class Stage(NamedTuple):
    """A row of the table of EfficientNet's layers: some inverted residual units in turn."""

    units: int
    kernel: int
    stride: int
    expansion: int
    filters: int


STEM_FILTERS = 32
STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


def build(size: int) -> "keras.Model":
    """Return EfficientNet-Lite0 without its classifier, its weights fresh.

    Pixels are scaled as the network was trained, to (x - 127) / 128 of values from 0 to 255.
    BatchNormalization always uses its statistics, as the few images of a batch would spoil them.

    Args:
        size: the height and width of the images.

    Returns:
        A model from colour images (n, size, size, 3) in [0, 1] to features (n, 1280).

    Source: Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural
        Networks", table 1; the Lite variant (no squeeze-and-excitation, ReLU6, a fixed stem and
        head) of Liu 2020, "Higher accuracy on vision models with EfficientNet-Lite".
    """
    import keras
    from keras import layers

    image, stages = _stem_and_stages(size, len(STAGES))
    features = _convolve(stages[-1], "top", FEATURES)
    features = layers.ReLU(6, name="top_relu")(features)
    features = layers.GlobalAveragePooling2D(name="features")(features)
    return keras.Model(image, features, name="trunk")


def build_middle(size: int) -> "keras.Model":
    """Return EfficientNet-Lite0 up to its sixth stage, with what three stages see side by side.

    The last layers are specific to the things that photographs show. What the stages before see
    serves drawings, clothes and scans better. Each stage's features are averaged over the image
    and normalised, image by image, so that no stage drowns the others.

    Args:
        size: the height and width of the images.

    Returns:
        A model from colour images (n, size, size, 3) in [0, 1] to features (n, 384), its weights
        the first ones of `build`.

    Source: Yosinski et al. 2014, "How transferable are features in deep neural networks?", for
        general and specific layers.
    """
    import keras
    from keras import layers

    image, stages = _stem_and_stages(size, max(MIDDLE))
    parts = [_average(stages[number - 1], f"average_{number}") for number in MIDDLE]
    return keras.Model(image, layers.Concatenate(name="features")(parts), name="trunk")


def _average(stage: "keras.KerasTensor", name: str) -> "keras.KerasTensor":
    from keras import layers

    normalise = layers.LayerNormalization(center=False, scale=False, name=f"{name}_norm")
    return normalise(layers.GlobalAveragePooling2D(name=name)(stage))


def _stem_and_stages(
    size: int, number: int
) -> tuple["keras.KerasTensor", list["keras.KerasTensor"]]:
    """Return the image, and the outputs of the first stages."""
    import keras
    from keras import layers

    image = keras.Input((size, size, 3), name="image")
    features = layers.Rescaling(255 / 128, -127 / 128, name="scale")(image)
    features = _convolve(features, "stem", STEM_FILTERS, kernel=3, stride=2)
    features = layers.ReLU(6, name="stem")(features)
    outputs = []
    for position, stage in enumerate(STAGES[:number], start=1):
        features = _stage(features, f"stage_{position}", stage)
        outputs.append(features)
    return image, outputs


def _stage(features: "keras.KerasTensor", name: str, stage: Stage) -> "keras.KerasTensor":
    for position in range(stage.units):
        unit = name if position == stage.units - 1 else f"{name}_unit_{position + 1}"
        features = _unit(features, unit, stage, stage.stride if position == 0 else 1)
    return features


def _unit(inputs: "keras.KerasTensor", name: str, stage: Stage, stride: int) -> "keras.KerasTensor":
    """Widen, convolve each channel alone, narrow; add the inputs where the shapes are the same."""
    from keras import layers

    channels = inputs.shape[-1]
    features = inputs
    if stage.expansion > 1:
        features = _convolve(features, f"{name}_expand", channels * stage.expansion)
        features = layers.ReLU(6, name=f"{name}_expand_relu")(features)
    features = layers.DepthwiseConv2D(
        stage.kernel, stride, padding="same", use_bias=False, name=f"{name}_depthwise"
    )(features)
    features = _normalise(features, f"{name}_depthwise")
    features = layers.ReLU(6, name=f"{name}_depthwise_relu")(features)
    features = _convolve(features, f"{name}_project", stage.filters)
    if stride == 1 and channels == stage.filters:
        return layers.Add(name=name)([inputs, features])
    return layers.Identity(name=name)(features)


def _convolve(
    inputs: "keras.KerasTensor", name: str, filters: int, kernel: int = 1, stride: int = 1
) -> "keras.KerasTensor":
    from keras import layers

    convolution = layers.Conv2D(
        filters, kernel, stride, padding="same", use_bias=False, name=f"{name}_convolution"
    )
    return _normalise(convolution(inputs), name)


def _normalise(inputs: "keras.KerasTensor", name: str) -> "keras.KerasTensor":
    from keras import layers

    return layers.BatchNormalization(epsilon=EPSILON, trainable=False, name=f"{name}_norm")(inputs)
