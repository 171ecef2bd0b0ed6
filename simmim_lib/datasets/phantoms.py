"""Chest phantoms: radiograph-like images that are computed, with everything about them known.

They are synthetic. No patient stands behind them, and nothing measured on them says how well a
network reads real radiographs. They show what happens when images of one patient lie on both sides
of a split, when two devices differ, or when an age group is rare: of real images nobody knows it.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from simmim_lib.datasets.dataset import Part

Images = NDArray[np.float32]
Field = NDArray[np.floating]
Random = np.random.Generator

FINDINGS = ("normal", "consolidation", "nodule", "effusion", "haze")
"""What an image shows; all but the first are opacities."""

DEVICES = ("A", "B")
"""Device B has a steeper tone curve, more noise, and a marker in the corner of its images."""

AGE_GROUPS = ("child", "adult", "elder")
AGE_SHARES = (0.15, 0.6, 0.25)

IMAGES_PER_PATIENT = 3
"""As many are taken of each patient, on other days: they differ in posture, exposure and noise."""

PIECE = 500
"""Images computed at once, to stay small in memory."""


@dataclass(frozen=True, eq=False)
class Cohort:
    """Phantoms, and all that is known about each.

    Attributes:
        images: (n, size, size, 1), float32 in [0, 1]; air is dark, bone is bright.
        finding: (n,), position in `FINDINGS`.
        masks: (n, size, size), whether the opacity covers a pixel.
        patient: (n,), who it is, from 0.
        device: (n,), position in `DEVICES`.
        age_group: (n,), position in `AGE_GROUPS`.
    """

    images: Images
    finding: NDArray[np.int32]
    masks: NDArray[np.bool_]
    patient: NDArray[np.int32]
    device: NDArray[np.int32]
    age_group: NDArray[np.int32]

    @property
    def ill(self) -> NDArray[np.int32]:
        """Whether there is an opacity, (n,), 0 or 1."""
        return (self.finding > 0).astype(np.int32)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.finding)

    def take(self, chosen: NDArray) -> "Cohort":
        """Return some of the images, by position or by a mask (n,)."""
        return Cohort(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    def part(self) -> Part:
        """Return the images and who is ill, with patients, devices and age groups."""
        subgroups = {
            "device": np.array(DEVICES)[self.device],
            "age group": np.array(AGE_GROUPS)[self.age_group],
        }
        return Part(self.images, self.ill, groups=self.patient, subgroups=subgroups)


def render(
    patients: int,
    random: Random,
    size: int = 28,
    prevalence: float = 0.5,
    device_tie: float = 0.0,
) -> Cohort:
    """Compute the images of some patients, `IMAGES_PER_PATIENT` of each.

    Args:
        patients: how many; a patient is ill in all images or in none.
        random: the source of chance.
        size: height and width in pixels.
        prevalence: the expected share of patients with an opacity.
        device_tie: from -1 to 1, how much device and illness go together: with 1, device B takes
            all images of ill patients and no others, with 0 they are independent, with -1 it is the
            other way round.
    """
    ill = random.random(patients) < prevalence
    kind = np.where(ill, random.integers(1, len(FINDINGS), patients), 0).astype(np.int32)
    age_group = random.choice(len(AGE_GROUPS), patients, p=AGE_SHARES).astype(np.int32)
    anatomy = _anatomy(age_group, random)
    side = random.choice([-1.0, 1.0], patients)
    patient = np.repeat(np.arange(patients, dtype=np.int32), IMAGES_PER_PATIENT)
    of_image = {name: values[patient] for name, values in anatomy.items()}
    is_b = np.where(ill[patient], (1 + device_tie) / 2, (1 - device_tie) / 2)
    device = (random.random(len(patient)) < is_b).astype(np.int32)
    images, masks = _in_pieces(of_image, kind[patient], side[patient], device, size, random)
    return Cohort(images, kind[patient], masks, patient, device, age_group[patient])


def _anatomy(age_group: NDArray[np.int32], random: Random) -> dict[str, Field]:
    """Draw what stays the same in all images of a patient, each (patients,).

    Lengths are in units of half an image. Children have small lungs and a wide heart for them,
    elders a wider heart.
    """
    n = len(age_group)
    scale = np.array([0.82, 1.0, 0.97])[age_group]
    heart = np.array([1.15, 1.0, 1.2])[age_group]
    drawn = {
        "lung_width": 0.33 * scale * random.normal(1, 0.06, n),
        "lung_height": 0.66 * scale * random.normal(1, 0.05, n),
        "lung_distance": 0.42 * scale * random.normal(1, 0.05, n),
        "heart_width": 0.27 * scale * heart * random.normal(1, 0.1, n),
        "rib_pitch": 0.2 * scale * random.normal(1, 0.05, n),
        "rib_strength": random.uniform(0.03, 0.09, n),
        "tissue": random.uniform(0.55, 0.72, n),
    }
    return {name: values.astype(np.float32) for name, values in drawn.items()}


def _in_pieces(
    anatomy: dict[str, Field],
    kind: NDArray[np.int32],
    side: Field,
    device: NDArray[np.int32],
    size: int,
    random: Random,
) -> tuple[Images, NDArray[np.bool_]]:
    images = np.empty((len(kind), size, size, 1), np.float32)
    masks = np.empty((len(kind), size, size), bool)
    for start in range(0, len(kind), PIECE):
        piece = slice(start, start + PIECE)
        body = _Body({name: values[piece] for name, values in anatomy.items()}, size, random)
        opacity = _opacity(body, kind[piece], side[piece].astype(np.float32), random)
        masks[piece] = opacity > 0.03
        images[piece] = _exposed(body.picture() + opacity, device[piece], random)[..., None]
    return images, masks


class _Body:
    """The bodies of a piece as they stand before the device; each field is (n, size, size).

    Attributes:
        x: across the body, from -1 to 1, after the patient's posture.
        y: down the body.
        lungs: how much of each pixel is lung.
    """

    def __init__(self, anatomy: dict[str, Field], size: int, random: Random) -> None:
        n = len(anatomy["tissue"])
        self.n, self.random = n, random
        self.of = {name: values[:, None, None] for name, values in anatomy.items()}
        centres = (np.arange(size, dtype=np.float32) + 0.5) * 2 / size - 1
        down, across = np.meshgrid(centres, centres, indexing="ij")
        turn = self.draw(0, 0.05)
        self.x = across - turn * down - self.draw(0, 0.04)
        self.y = down + turn * across - self.draw(0, 0.04)
        breath = self.draw(1, 0.04)
        lungs = [
            _inside(
                ((self.x - side * self.of["lung_distance"]) / self.of["lung_width"]) ** 2
                + (self.y / (self.of["lung_height"] * breath)) ** 2
            )
            for side in (-1, 1)
        ]
        self.lungs = np.maximum(*lungs)

    def draw(self, mean: float, spread: float) -> Field:
        """Draw a number for each image, (n, 1, 1)."""
        return self.random.normal(mean, spread, (self.n, 1, 1)).astype(np.float32)

    def picture(self) -> Field:
        """Return how much the bodies weaken the rays."""
        of = self.of
        shade = of["tissue"] * _inside((self.x / 0.95) ** 2 + (self.y / 1.25) ** 4)
        shade = shade - 0.42 * self.lungs
        ribs = np.cos(2 * np.pi * (self.y + 0.5 * self.x**2) / of["rib_pitch"]) ** 3
        shade = shade + of["rib_strength"] * ribs * (0.3 + 0.7 * self.lungs)
        heart = _inside(((self.x - 0.08) / of["heart_width"]) ** 2 + ((self.y - 0.3) / 0.36) ** 2)
        spine = np.exp(-((self.x / 0.11) ** 2))
        return np.maximum(shade, 0.7 * of["tissue"] * heart) + 0.16 * spine + self._clavicles()

    def _clavicles(self) -> Field:
        line = self.y + 0.72 - 0.18 * np.abs(self.x)
        return 0.12 * np.exp(-((line / 0.045) ** 2)) * (np.abs(self.x) > 0.1)


def _inside(distance: Field) -> Field:
    """Return 1 where a squared distance is below 1 and 0 above, with a soft edge."""
    return 1 / (1 + np.exp(np.clip(12 * (distance - 1), -30, 30)))


def _opacity(body: _Body, kind: NDArray[np.int32], side: Field, random: Random) -> Field:
    """Return what an opacity adds to the picture, (n, size, size); nothing where all is normal."""
    side = side[:, None, None]
    x, y = body.x - side * body.of["lung_distance"], body.y
    across, down = body.draw(0, 0.1), body.draw(0.1, 0.22)
    distance = (x - across) ** 2 + (y - down) ** 2
    radius = np.abs(body.draw(0.24, 0.05))
    bottom = body.of["lung_height"] - np.abs(body.draw(0.28, 0.1))
    shapes = np.stack(
        [
            np.zeros_like(x),
            np.exp(-distance / radius**2) * (1 + 0.5 * _cloud(body, random)),
            _inside(distance / (0.35 * radius) ** 2),
            _inside(1 + 4 * (bottom - y - 0.5 * x**2)) * (np.abs(x) < body.of["lung_width"]),
            (0.6 + 0.6 * _cloud(body, random)) / (1 + np.exp(-6 * (y + 0.2))),
        ]
    )
    chosen = np.take_along_axis(shapes, kind[None, :, None, None], axis=0)[0]
    strength = random.uniform(0.1, 0.4, (body.n, 1, 1)).astype(np.float32)
    return strength * np.clip(chosen, 0, 1.5) * body.lungs


def _cloud(body: _Body, random: Random) -> Field:
    """Return smooth random fields between about -1 and 1: a few waves of random direction."""
    field = np.zeros_like(body.x)
    for _ in range(4):
        angle, phase = random.uniform(0, 2 * np.pi, (2, body.n, 1, 1)).astype(np.float32)
        waves = np.cos(angle) * body.x + np.sin(angle) * body.y
        field += np.sin(random.uniform(5, 14) * waves + phase) / 4
    return field


def _exposed(shade: Field, device: NDArray[np.int32], random: Random) -> Field:
    """Return the image that a device makes, in [0, 1]."""
    n, size, _ = shade.shape
    is_b = device[:, None, None]
    exposure = random.normal(1, 0.08, (n, 1, 1))
    gamma = np.where(is_b, 1.25, 0.95)
    noise = random.standard_normal(shade.shape, np.float32) * np.where(is_b, 0.045, 0.03)
    image = np.clip(shade * exposure, 0, 1) ** gamma + noise
    image += 0.35 * is_b * letters(size)
    return np.clip(image, 0, 1).astype(np.float32)


def letters(size: int) -> NDArray[np.bool_]:
    """Return where the makers of device B print their letters, (size, size)."""
    corner = max(2, size // 14)
    place = np.zeros((size, size), bool)
    place[1 : 1 + corner, 1 : 1 + 2 * corner] = True
    return place


VERSION = 1
"""To be raised with every change of the images, so that no network of older ones is used."""

PATIENTS = (800, 300)
"""How many patients are rendered for training and for testing."""


def render_parts(size: int = 28) -> list[Cohort]:
    """Render the train and test parts from two streams of chance that have nothing in common."""
    streams = np.random.SeedSequence(6).spawn(2)
    return [
        render(patients, np.random.default_rng(stream), size)
        for patients, stream in zip(PATIENTS, streams, strict=True)
    ]
