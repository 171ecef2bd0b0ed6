"""Keras set up for other work: the workbook's networks are the same, or it says what is wrong."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest

import simmim_lib
from simmim_lib import trunks
from simmim_lib.errors import WorkbookError
from simmim_lib.foundation import keras_setup
from simmim_lib.foundation.startup import load_tensorflow
from simmim_lib.reports import report
from simmim_lib.simmim import SimMIM, Task
from simmim_lib.sweeps import sweep
from simmim_lib.trunks import applications, article, heads

SET_UPS: dict[str, Callable[[], object]] = {
    "float16": lambda: keras.config.set_floatx("float16"),
    "float64": lambda: keras.config.set_floatx("float64"),
    "bfloat16": lambda: keras.config.set_dtype_policy("bfloat16"),
    "mixed_float16": lambda: keras.config.set_dtype_policy("mixed_float16"),
    "mixed_bfloat16": lambda: keras.config.set_dtype_policy("mixed_bfloat16"),
    "channels_first": lambda: keras.config.set_image_data_format("channels_first"),
    "epsilon": lambda: keras.config.set_epsilon(0.1),
}
"""What readers do to Keras elsewhere in the same process."""


def configuration() -> dict[str, object]:
    found = {name: getattr(keras.config, name)() for name in keras_setup.USUAL}
    return found | {"dtype_policy": found["dtype_policy"].name}


@pytest.fixture(params=list(SET_UPS))
def otherwise(request: pytest.FixtureRequest) -> Iterator[dict[str, object]]:
    usual = configuration()
    assert usual == dict(keras_setup.USUAL)
    SET_UPS[request.param]()
    yield configuration()
    for name, value in usual.items():
        getattr(keras.config, f"set_{name}")(value)


def check_layers(network: keras.Model) -> None:
    for layer in network._flatten_layers():
        assert layer.compute_dtype == layer.variable_dtype == "float32", layer.name
        assert getattr(layer, "data_format", "channels_last") == "channels_last", layer.name
    assert {tensor.dtype for tensor in (*network.inputs, *network.outputs)} == {"float32"}


def test_networks_are_the_same_however_keras_is_set_up(otherwise: dict[str, object]) -> None:
    trunk = trunks.build_trunk()
    for network in (
        trunk,
        article.article_network(),
        trunks.adapter((10, 10, 1), (28, 28, 3)),
        heads.add_head(trunk, 3),
        trunks.cut(trunk, {"first": trunk.layers[0].name}, 1).back,
    ):
        check_layers(network)
    assert configuration() == otherwise  # the reader's own work goes on as before


@pytest.mark.slow
@pytest.mark.parametrize("otherwise", ["channels_first", "mixed_float16"], indirect=True)
def test_published_networks_too(otherwise: dict[str, object]) -> None:
    check_layers(applications.build("mobilenet-v2", 32))
    check_layers(trunks.build_trunk("efficientnet-lite0"))


@pytest.mark.slow
def test_a_model_of_one_s_own_keeps_its_logits_losses_and_metrics_precise(
    otherwise: dict[str, object],
) -> None:
    """The trunk is the reader's, made as Keras is set up, with features (n, 4, 4, 5)."""
    inputs = keras.Input((4, 4, 3))
    flat = keras.layers.Dense(5)(inputs)
    model = SimMIM(
        keras.Model(inputs, flat), [Task("a", ("x", "y")), Task("b", ("z",), "regression")]
    )
    model.compile("sgd")
    images = np.random.default_rng(0).random((6, 4, 4, 3))
    assert model.features(images).shape == (6, 5)
    assert {str(each.dtype) for each in model(images).values()} == {"<dtype: 'float32'>"}
    assert {loss.dtype for loss in model.loss.values()} == {"float32"}
    labels = {"a": np.arange(6) % 2, "b": np.zeros((6, 1))}
    history = model.fit({"a": images, "b": images}, labels, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())


def test_one_s_own_process_can_be_set_up_for_good(otherwise: dict[str, object]) -> None:
    keras_setup.set_up()
    assert configuration() == dict(keras_setup.USUAL)


# --- The backend


@pytest.mark.parametrize("backend", ["jax", "torch", "openvino", "theano", "TensorFlow"])
def test_another_backend_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.setenv("KERAS_BACKEND", backend)
    with pytest.raises(WorkbookError, match=f"compute with '{backend}'.*unset KERAS_BACKEND"):
        keras_setup.check_backend()
    in_use = SimpleNamespace(config=SimpleNamespace(backend=lambda: backend))
    monkeypatch.setitem(sys.modules, "keras", in_use)
    with pytest.raises(WorkbookError, match=f"compute with '{backend}'.*restart Python"):
        keras_setup.check_backend()


@pytest.mark.parametrize("given", [None, "", "tensorflow"])
def test_a_file_gives_way_to_what_the_workbook_needs(
    monkeypatch: pytest.MonkeyPatch, given: str | None
) -> None:
    """Keras itself looks into the environment before it looks into keras.json."""
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    if given is not None:
        monkeypatch.setenv("KERAS_BACKEND", given)
    keras_setup.prefer_backend()
    assert os.environ["KERAS_BACKEND"] == "tensorflow"
    keras_setup.check_backend()


def start(*words: str, **environment: str) -> subprocess.CompletedProcess:
    own = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    command = [sys.executable, *words]
    return subprocess.run(command, capture_output=True, text=True, env={**own, **environment})


TINY = {"steps": 3, "seeds": 2, "labels_per_class": 2, "targets": "uci-digits"}


@pytest.mark.parametrize(
    "need",
    [
        lambda folder: sweep.run([simmim_lib.Settings()], folder / "results"),
        lambda folder: report.write(simmim_lib.Settings(), folder / "report"),
        lambda folder: load_tensorflow(),
        lambda folder: trunks.build_trunk(),
    ],
    ids=["sweep", "report", "lesson", "network"],
)
def test_whatever_needs_keras_says_so_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, need: Callable[[Path], object]
) -> None:
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(WorkbookError, match="set up to compute with 'jax'"):
        need(tmp_path)
    assert list(tmp_path.iterdir()) == []  # no work is begun that cannot be ended


@pytest.mark.slow
@pytest.mark.parametrize("words", [["-m", "simmim_lib", "run"], ["-c", "import simmim_lib.simmim"]])
def test_it_is_said_before_the_other_library_is_looked_for(words: list[str]) -> None:
    done = start(*words, KERAS_BACKEND="jax")
    last = done.stderr.splitlines()[-1]
    assert last.endswith("unset KERAS_BACKEND, or set KERAS_BACKEND=tensorflow.")
    assert words[0] == "-c" or (done.returncode == 2 and done.stderr == f"{last}\n")


@pytest.mark.slow
@pytest.mark.colab
@pytest.mark.floors
@pytest.mark.parametrize("content", ['{"floatx": "bfloat16"}', "[1]"])
@pytest.mark.parametrize(
    "words",
    [
        ("-m", "simmim_lib", "run"),
        ("-c", "import sys, simmim_lib as s\nfrom simmim_lib.errors import WorkbookError\n"
         "try:\n    s.run(s.Settings(source=None))\n"
         "except WorkbookError as error:\n    sys.stderr.write(str(error))\n    sys.exit(2)"),
    ],
    ids=["the command", "Python"],
)  # fmt: skip
def test_a_file_that_keras_cannot_use_is_named(
    tmp_path: Path, words: tuple[str, ...], content: str
) -> None:
    (tmp_path / "keras.json").write_text(content)
    done = start(*words, KERAS_HOME=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith("Keras cannot start (") and len(done.stderr.splitlines()) == 1
    assert "delete its file keras.json" in done.stderr


@pytest.mark.slow
@pytest.mark.colab
def test_an_experiment_under_a_strange_file_gives_the_usual_numbers(tmp_path: Path) -> None:
    """In a process of its own, which never calls `load_tensorflow`."""
    strange = {
        "floatx": "float16",
        "epsilon": 0.01,
        "backend": "jax",
        "image_data_format": "channels_first",
    }
    (tmp_path / "keras.json").write_text(json.dumps(strange))
    code = f"""
import simmim_lib
result = simmim_lib.run(simmim_lib.Settings(**{TINY}), progress=lambda *_: None)
result.to_json({str(tmp_path / "result.json")!r})
result.save({str(tmp_path / "model.keras")!r})
"""
    done = start("-c", code, KERAS_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    there = json.loads((tmp_path / "result.json").read_text())
    here = simmim_lib.run(simmim_lib.Settings(**TINY), progress=lambda *_: None)
    for target, accuracy in here.accuracy.items():
        np.testing.assert_allclose(there["accuracy"][target], accuracy, atol=1e-6)
    check_layers(keras.models.load_model(tmp_path / "model.keras"))
