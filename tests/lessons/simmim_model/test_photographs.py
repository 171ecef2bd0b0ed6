"""The pictures that lesson 03 brings: as many as asked for, of any size, the same every time."""

import numpy as np
from PIL import Image

from simmim_lib import datasets
from simmim_lib.lessons.simmim_model import photographs


def test_the_seed_decides_the_pictures(tmp_path):
    for name, seed in (("one", 0), ("again", 0), ("other", 1)):
        photographs.draw(tmp_path / name, each=6, seed=seed)
    one, again, other = (
        [np.asarray(Image.open(file)) for file in sorted((tmp_path / name).rglob("*.jpg"))]
        for name in ("one", "again", "other")
    )
    assert len(one) == 6 * len(photographs.CORNERS)
    assert all(map(np.array_equal, one, again))
    assert not any(map(np.array_equal, one, other))
    assert len({image.shape for image in one}) > 6


def test_a_folder_of_them_is_a_dataset(tmp_path):
    photographs.draw(tmp_path / "signs", each=10)
    data = datasets.load(f"folder:{tmp_path / 'signs'}", 96)
    assert data.class_names == tuple(sorted(photographs.CORNERS))
    assert data.train.images.shape[1:] == (96, 96, 3)
    assert np.bincount(np.concatenate([data.train.labels, data.test.labels])).tolist() == [10] * 4


def test_opened_pictures_are_squares_in_the_order_of_their_names(tmp_path):
    photographs.draw(tmp_path, each=2)
    seen = photographs.opened(tmp_path, size=32)
    assert (seen.shape, seen.dtype) == ((2 * len(photographs.CORNERS), 32, 32, 3), np.uint8)
    first = sorted(tmp_path.rglob("*.jpg"))[0]
    assert np.abs(seen[0].mean() - np.asarray(Image.open(first)).mean()) < 30
