"""The package as users get it: metadata, pins, wheel, import, and JupyterLab around it."""

import ast
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import image_making
import psutil
import pytest
import rattler
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
COLAB_PYTHON = ROOT / ".venv-colab" / "bin" / "python"
LARGEST_WHEEL = 23_000_000  # bytes; 13 MB of them are networks, 6 of these EfficientNet-Lite0


def test_readme_names_the_image_of_colab_that_was_tried() -> None:
    header = (ROOT / "constraints" / "colab.txt").read_text("utf-8").partition("absl")[0]
    (date,) = re.findall(r"\d{4}-\d\d-\d\d", header)
    assert f"Colab's image of {date}" in (ROOT / "README.md").read_text("utf-8")


def test_readme_counts_the_weightings() -> None:
    from simmim_lib.weighting import METHODS

    assert f"yes, {len(METHODS)} methods" in (ROOT / "README.md").read_text("utf-8")


def requirements(*extras: str) -> list[Requirement]:
    optional = [text for extra in extras for text in PROJECT["optional-dependencies"][extra]]
    return [Requirement(text) for text in [*PROJECT["dependencies"], *optional]]


def pins(file_name: str) -> dict[str, str]:
    lines = (ROOT / "constraints" / file_name).read_text("utf-8").splitlines()
    stated = [Requirement(line) for line in lines if not line.startswith("#")]
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in stated}


def run(*command: object, **options: object) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, **options
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("file_name", ["local.txt", "colab.txt", "floors.txt"])
def test_pins_cover_the_requirements_and_name_no_host(file_name: str) -> None:
    versions = pins(file_name)
    for need in requirements("test", *(["lab"] if file_name == "local.txt" else [])):
        assert need.specifier.contains(versions[canonicalize_name(need.name)]), need
    text = (ROOT / "constraints" / file_name).read_text("utf-8")
    assert not re.search(r"https?:|index-url|find-links|hash", text)


SAFE = {
    "keras": ("3.13.2", "CVE-2025-9905, -9906, -12058, -12060; CVE-2026-0897, -1462, -1669: files"),
    "filelock": ("3.30", "CVE-2025-68146, CVE-2026-22701: a lock that is a link; a lock of two"),
    "distributed": ("2026.1", "CVE-2026-23528: the dashboard"),
    "pillow": ("11.3", "CVE-2023-4863, CVE-2024-28219, CVE-2025-48379: images"),
    "cryptography": ("46.0.5", "CVE-2024-12797, CVE-2026-26007"),
    "pyyaml": ("5.4", "CVE-2020-14343: objects in YAML"),
    "tqdm": ("4.66.3", "CVE-2024-34062: the command line"),
    "scikit-learn": ("1.5", "CVE-2024-5206: words that stay in a vocabulary"),
    "nbconvert": ("7.17", "CVE-2025-53000: a program in the current folder"),
    "jupyterlab": ("4.4.8", "CVE-2025-59842: links in notebooks"),
}
"""By package, the first version without a known hole that matters here, and the holes before."""


@pytest.mark.parametrize("name", SAFE)
def test_no_version_with_a_known_hole_is_allowed(name: str) -> None:
    first = Version(SAFE[name][0])
    stated = [need for need in requirements(*PROJECT["optional-dependencies"]) if need.name == name]
    assert stated
    for need in stated:
        (floor,) = [Version(each.version) for each in need.specifier if each.operator == ">="]
        assert floor >= first, SAFE[name]
    for file_name in ("local.txt", "colab.txt", "floors.txt"):
        assert Version(pins(file_name).get(name, SAFE[name][0])) >= first


ASKED_FOR_BY_OTHERS = {"packaging": "hatchling"}
"""By package, who asks in the floors for a newer version of it than the workbook does."""


@pytest.mark.parametrize("need", requirements("scale", "language", "medical"), ids=str)
def test_the_floors_are_the_lowest_versions_allowed(need: Requirement) -> None:
    (floor,) = [Version(each.version) for each in need.specifier if each.operator == ">="]
    pinned = Version(pins("floors.txt")[need.name])
    assert (pinned == floor) == (need.name not in ASKED_FOR_BY_OTHERS)


@pytest.mark.floors
def test_the_floors_are_what_runs_here() -> None:
    if Path(sys.prefix).name != ".venv-floors":
        pytest.skip("not the environment at the floors")
    for need in requirements("scale", "language", "medical"):
        assert metadata.version(need.name) == pins("floors.txt")[need.name]


def test_colab_pins_are_what_colab_publishes() -> None:
    published = {
        "tensorflow": "2.20.0", "keras": "3.13.2", "numpy": "2.1.3", "matplotlib": "3.10.0",
        "ipywidgets": "7.7.1", "ipykernel": "6.17.1", "ipython": "7.34.0",
        "jupyter-client": "7.4.9", "nbclient": "0.10.4", "nbconvert": "7.17.1",
        "traitlets": "5.7.1", "tornado": "6.5.7",
    }  # fmt: skip
    assert published.items() <= pins("colab.txt").items()


def test_every_dependency_is_imported_and_every_import_a_dependency() -> None:
    modules = {"scikit-learn": "sklearn", "pillow": "PIL"}
    needed = {modules.get(need.name, need.name) for need in requirements()}
    extras = {"anywidget", "jupyterlab", "nbconvert", "nbformat", "papermill"}  # of `lab`
    extras |= {"psutil", "voila", "tornado"}  # of `lab`; voila brings tornado
    extras |= {"IPython", "jupyter_client", "traitlets"}  # which ipywidgets and papermill bring
    extras |= {"h5py"}  # which Keras brings
    extras |= {"distributed", "dask", "yaml"}  # of `scale`; distributed brings dask
    extras |= {"pydicom"}  # of `medical`
    extras |= {"huggingface_hub", "safetensors", "tokenizers"}  # of `language`
    imported = set()
    for file in (ROOT / "simmim_lib").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.split(".")[0])
    foreign = imported - set(sys.stdlib_module_names) - {"simmim_lib"}
    assert foreign - extras == needed


def test_conda_and_binder_get_what_pip_gets() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    *conda, last = environment["dependencies"]
    assert last == {"pip": ["-c constraints/local.txt", "-e .[lab]"]}
    specs = {(spec := rattler.MatchSpec(text, strict=True)).name.normalized: spec for text in conda}
    assert set(specs) == {"python", "pip"}
    version = str(specs["python"].version).strip("=.*")
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(version)


@pytest.mark.floors
def test_importing_is_light() -> None:
    code = """
import sys, time
start = time.perf_counter()
import simmim_lib
print(time.perf_counter() - start)
for heavy in ("tensorflow", "keras", "numpy", "matplotlib", "ipywidgets"):
    assert heavy not in sys.modules, heavy
"""
    seconds = [float(run(sys.executable, "-c", code).stdout) for _ in range(3)]
    assert min(seconds) < 0.3


@pytest.mark.slow
@pytest.mark.floors
def test_no_module_imports_tensorflow_before_it_is_used() -> None:
    names = [
        ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for file in sorted((ROOT / "simmim_lib").rglob("*.py"))
        # simmim defines a subclass of Keras's model, and is imported when that is asked for.
        if file.name not in ("__main__.py", "simmim.py")
    ]
    code = f"""
import importlib, sys
for name in {names!r}:
    importlib.import_module(name)
    assert not {{"tensorflow", "keras"}} & set(sys.modules), name
"""
    run(sys.executable, "-c", code)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    run(sys.executable, "-m", "pip", *build, folder, ROOT)
    return next(folder.glob("simmim_workbook-*.whl"))


@pytest.mark.slow
def test_the_wheel_carries_package_data_and_licences_only(wheel: Path) -> None:
    assert wheel.stat().st_size < LARGEST_WHEEL
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        tops = {name.split("/")[0] for name in names}
        data = ROOT / "data"
        for file in (*data.rglob("*.npz"), *(data / "results").glob("*.json")):
            name = file.relative_to(data).as_posix()
            assert archive.read(f"simmim_lib/_data/{name}") == file.read_bytes()
        report = ROOT / "notebooks" / "10_report.ipynb"
        assert archive.read(f"simmim_lib/_notebooks/{report.name}") == report.read_bytes()
    assert tops == {"simmim_lib", f"simmim_workbook-{PROJECT['version']}.dist-info"}
    assert {"simmim_lib/_data/checksums.json", "simmim_lib/_data/SOURCES.md"} <= names
    assert {"LICENSE", "LICENSE-TEXTS"} <= {Path(name).name for name in names}
    assert not [name for name in names if "__pycache__" in name]


@pytest.mark.slow
def test_installed_from_the_wheel_the_data_comes_along(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    quiet = ["install", "--quiet", "--no-deps", "--no-index", "--target"]
    run(sys.executable, "-m", "pip", *quiet, target, wheel)
    code = """
import simmim_lib.datasets as datasets
from simmim_lib.foundation.directories import data_directory
from simmim_lib.reports import report
assert report.notebook_path().is_relative_to(data_directory().parent)
assert report.notebook_path().exists()
print(datasets.__file__, len(datasets.verify()), len(datasets.load("mnist").train))
"""
    environment = {**os.environ, "PYTHONPATH": str(target)}
    done = run(sys.executable, "-c", code, cwd=tmp_path, env=environment)
    file, verified, images = done.stdout.split()
    assert Path(file).is_relative_to(target)
    assert int(verified) >= 3 and int(images) == 4000


@pytest.mark.slow
def test_what_is_installed_works_without_the_repository(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    quiet = ["install", "--quiet", "--no-deps", "--no-index", "--target"]
    run(sys.executable, "-m", "pip", *quiet, target, wheel)
    here = {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": str(target)}}
    simmim = [sys.executable, "-m", "simmim_lib"]
    tiny = ["--targets", "uci-digits", "--steps", "2", "--seeds", "1", "--baseline", "none"]
    run(*simmim, "run", *tiny, "--save", "model.keras", **here)
    image_making.fill(tmp_path / "pictures", {"some": 3}, (28, 28))
    said = run(*simmim, "predict", "model.keras", "pictures", **here).stdout
    assert "3 images" in said
    code = "from simmim_lib.commands import playground; print(len(playground.page()['cells']))"
    assert run(sys.executable, "-c", code, **here).stdout == "3\n"


@pytest.mark.slow
def test_the_source_package_makes_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    code = f"from hatchling.build import build_sdist; build_sdist({str(tmp_path)!r})"
    run(sys.executable, "-c", code, cwd=ROOT)
    (source,) = tmp_path.glob("*.tar.gz")
    build = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    run(sys.executable, "-m", "pip", *build, tmp_path, source)
    (again,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(again) as other:
        assert sorted(one.namelist()) == sorted(other.namelist())


@pytest.mark.slow
@pytest.mark.skipif(not COLAB_PYTHON.exists(), reason="no .venv-colab: run `make test-colab` once")
def test_on_colab_the_wheel_installs_nothing_but_itself(wheel: Path) -> None:
    """What the setup cell does there, with every other source of packages closed."""
    closed = ["--dry-run", "--no-index", "--quiet", "--report", "-"]
    report = run(COLAB_PYTHON, "-m", "pip", "install", *closed, wheel).stdout
    names = {package["metadata"]["name"] for package in json.loads(report)["install"]}
    assert names <= {PROJECT["name"]}


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def start_kernel(port: int) -> None:
    """Ask the server for a kernel; it tells its address a moment before it listens there."""
    headers = {"Authorization": "token secret"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/kernels", b"{}", headers)
    for attempt in range(100):
        try:
            urllib.request.urlopen(request, timeout=60).close()
            return
        except urllib.error.URLError as error:
            if attempt == 99 or not isinstance(error.reason, ConnectionRefusedError):
                raise
            time.sleep(0.2)


def server_port(log: Path, server: subprocess.Popen) -> int:
    """Wait until the server says where it is."""
    for _ in range(600):
        found = re.search(r"http://127\.0\.0\.1:(\d+)/lab/tree/(\S+?)\?", log.read_text())
        if found:
            assert found[2] == "notebooks/00_start_here.ipynb"
            return int(found[1])
        assert server.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.mark.slow
def test_the_lab_takes_the_next_port_and_leaves_nothing(busy_port: int, tmp_path: Path) -> None:
    pytest.importorskip("jupyterlab", reason="JupyterLab is not in this environment")
    log = tmp_path / "log"
    command = [
        sys.executable,
        "-m",
        "simmim_lib.commands.lab",
        "--no-browser",
        f"--port={busy_port}",
    ]
    with log.open("w") as output:
        server = subprocess.Popen(
            [*command, "--IdentityProvider.token=secret"],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        port = server_port(log, server)
        assert port != busy_port
        start_kernel(port)
        family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
        assert len(family) >= 2, "no kernel was started"
        os.killpg(server.pid, signal.SIGINT)
        server.wait(30)
        # Now, not soon: an abandoned kernel would notice only after a second or so.
        assert not [process for process in family if process.is_running()]
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
