"""Files that Keras has saved, and others that claim to be: looked at before Keras opens them."""

import io
import json
import threading
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from simmim_lib.errors import WorkbookError
from simmim_lib.foundation import keras_files
from simmim_lib.foundation.keras_files import DESCRIPTION, WEIGHTS

pytestmark = [pytest.mark.colab, pytest.mark.floors]


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    layers = [keras.layers.Flatten(), keras.layers.Dense(3, name="last")]
    keras.Sequential([keras.Input((4, 4, 1)), *layers]).save(path)
    return path


def changed(saved: Path, path: Path, **members) -> Path:
    """Copy a file, packed, with some members replaced: by bytes, or by a function of the old."""
    by_name = {"config": DESCRIPTION, "weights": WEIGHTS, "metadata": "metadata.json"}
    new = {by_name.get(name, name): content for name, content in members.items()}
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name in {*old.namelist(), *new}:
            content = new.get(name, old.read(name) if name in old.namelist() else b"")
            file.writestr(name, content(old.read(name)) if callable(content) else content)
    return path


def with_units(units: int):
    return lambda config: config.replace(b'"units": 3', b'"units": %d' % units)


def many_layers(config: bytes) -> bytes:
    """Each of them is of a size that the file has room for; all of them are not."""
    description = json.loads(config)
    layers = description["config"]["layers"]
    for number in range(50):
        layer = json.loads(json.dumps(layers[-1]))
        layer["config"] |= {"name": f"wide_{number}", "units": 1000}
        layer.pop("build_config", None)
        layers.append(layer)
    return json.dumps(description).encode()


def empty_array(content: bytes) -> bytes:
    """Weights of which one array claims a gigabyte and stores nothing."""
    stream = io.BytesIO(content)
    with h5py.File(stream, "r+") as file:
        file.create_dataset("layers/dense/vars/2", (250_000_000,), "f4", chunks=(1000,))
    return stream.getvalue()


def external_array(content: bytes) -> bytes:
    stream = io.BytesIO(content)
    with h5py.File(stream, "r+") as file:
        file.create_dataset("far", (4,), "u1", external=[("/etc/hostname", 0, 4)])
    return stream.getvalue()


HOSTILE = {
    "a long description": ({"config": b"{" + b" " * 20_000_000}, "longer than 10,000,000 bytes"),
    "a description nested deeply": ({"config": b"[" * 100_000}, "RecursionError"),
    "a huge number": ({"config": b"1" * 10_000}, "ValueError"),
    "a huge member": ({"assets/zeros": b"\0" * 100_000_000}, "content would fill 100 MB"),
    "no description": ({"config": b""}, "JSONDecodeError"),
    "a list": ({"config": b"[1]"}, "cannot be read"),
    "one wide layer": ({"config": with_units(10**9)}, "its layers need 68,000 MB"),
    "layers too wide for integers": ({"config": with_units(10**30)}, "cannot be read"),
    "many wide layers": ({"config": many_layers}, "its layers need 196 MB"),
    "an empty array": ({"weights": empty_array}, "its arrays claim 1,000 MB"),
    "weights elsewhere": ({"weights": external_array}, "weights are in other files"),
    "weights that are none": ({"weights": b"zeros"}, "cannot be read"),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", HOSTILE)
def test_a_file_that_asks_for_too_much_is_refused(saved, tmp_path, what):
    members, words = HOSTILE[what]
    path = changed(saved, tmp_path / "hostile.keras", **members)
    with pytest.raises(WorkbookError, match=words) as caught:
        keras_files.load(path)
    assert "hostile.keras" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_nothing_of_what_was_refused_is_built_later(saved, tmp_path):
    """Keras notes weights that it has yet to draw, and draws them at the next opportunity."""
    path = changed(saved, tmp_path / "wide.keras", config=with_units(10**9))
    before = {*threading.enumerate()}
    with pytest.raises(WorkbookError, match="layers need"):
        keras_files.load(path)
    with keras.StatelessScope():
        pass
    assert {*threading.enumerate()} <= before


@pytest.mark.parametrize("name", ["model.zip", "model", "model.h5", "model.keras.txt"])
def test_a_renamed_file_is_opened_by_its_content(saved, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(saved.read_bytes())
    images = np.random.default_rng(0).random((2, 4, 4, 1), np.float32)
    expected = keras.saving.load_model(saved)(images)
    np.testing.assert_allclose(keras_files.load(path)(images), expected)
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_a_file_of_two_kinds_is_not_opened(saved, tmp_path, monkeypatch):
    """As a zip it looks small; Keras would read the other part, at which nobody has looked."""
    path = tmp_path / "two.keras"
    path.write_bytes(keras_files.HDF5 + saved.read_bytes())
    monkeypatch.setattr(keras.saving, "load_model", None)
    with pytest.raises(WorkbookError):
        keras_files.load(path)


def test_packed_files_are_opened(saved, tmp_path):
    assert keras_files.load(changed(saved, tmp_path / "packed.keras")).count_params() == 51


@pytest.mark.parametrize("name", ["model.h5", "model.keras", "weights.weights.h5"])
def test_an_hdf5_file_gets_the_sentence_that_helps(saved, tmp_path, name):
    model, path = keras.saving.load_model(saved), tmp_path / name
    old = path.with_name("old.weights.h5")
    model.save_weights(old)
    old.rename(path)
    with pytest.raises(WorkbookError, match=r"is an HDF5 file.*save\('name.keras'\); load weights"):
        keras_files.load(path)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04", b"\0" * 5000])
def test_what_is_no_archive_never_reaches_keras(tmp_path, monkeypatch, content):
    path = tmp_path / "none.keras"
    path.write_bytes(content)
    monkeypatch.setattr(keras.saving, "load_model", None)
    monkeypatch.setattr(keras.saving, "deserialize_keras_object", None)
    with pytest.raises(WorkbookError, match="damaged or not a Keras file"):
        keras_files.load(path)
