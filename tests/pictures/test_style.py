"""The visual language: colours that can be told apart, and pictures that bring their text."""

import io
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from simmim_lib.pictures.style import COLOURS, Picture, new_figure, shortened


def test_colours_can_be_told_apart_by_colour_blind_readers():
    """Distances after a simulation of the three kinds of colour blindness (Viénot et al. 1999)."""
    simulations = {
        "protan": [[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]],
        "deutan": [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]],
    }
    names = [name for name in COLOURS if name not in ("unlabelled", "baseline")]
    rgb = np.array([[int(COLOURS[n][i : i + 2], 16) / 255 for i in (1, 3, 5)] for n in names])
    for kind, matrix in simulations.items():
        seen = (rgb**2.2 @ np.array(matrix).T).clip(0, 1) ** (1 / 2.2)
        distances = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
        distances[np.diag_indices(len(names))] = 9
        assert distances.min() > 0.15, (kind, names[int(distances.min(axis=1).argmin())])


def test_a_picture_brings_its_text():
    picture = Picture(new_figure(2, 1), "the value 5")
    data, metadata = picture._repr_mimebundle_()
    assert data["text/plain"] == "the value 5"
    assert metadata == {"image/png": {"alt": "the value 5"}}
    assert data["image/png"][:4] == b"\x89PNG"
    assert 'alt="the value 5"' in data["text/html"]  # JupyterLab reads no metadata


def test_photographs_do_not_change_the_colours_of_the_rest():
    """A palette that must hold a photograph's colours has no room for the others."""
    figure = new_figure(4, 2)
    flat = figure.add_axes((0, 0, 0.5, 1))
    flat.axis("off")
    flat.axhspan(0, 1, color="#eeeeee")
    photograph = figure.add_axes((0.5, 0, 0.5, 1))
    photograph.axis("off")
    photograph.imshow(np.random.default_rng(0).random((200, 200, 3)))
    image = Image.open(io.BytesIO(Picture(figure, "").png())).convert("RGB")
    assert image.getpixel((image.width // 4, image.height // 2)) == (0xEE, 0xEE, 0xEE)


def test_a_long_name_is_cut_with_a_sign():
    assert shortened("a" * 24) == "a" * 24
    assert shortened("a" * 25) == "a" * 23 + "…"


@pytest.mark.slow
def test_a_backend_that_there_is_not_is_one_sentence(tmp_path):
    """Matplotlib refuses it when it is imported, which a figure does first."""
    command = [sys.executable, "-m", "simmim_lib", "data", "show", "uci-digits"]
    done = subprocess.run(
        [*command, f"--output={tmp_path}/sheet.png"],
        env={**os.environ, "MPLBACKEND": "Qt4Agg"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "correct the environment variable MPLBACKEND" in done.stderr
    assert not [*tmp_path.iterdir()]
