"""The command that serves the playground: its page is a notebook, and Voila takes its options."""

import builtins
import json
import os
import socket

import pytest

from simmim_lib.commands import cli, playground
from simmim_lib.errors import WorkbookError
from simmim_lib.playground import serving, uploads
from simmim_lib.studies import gallery


def test_the_page_is_a_notebook():
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(nbformat.reads(json.dumps(playground.page()), as_version=4))


def test_without_javascript_there_is_what_was_measured():
    said = playground.without_javascript()
    assert said.count("<tr>") == len(gallery.EXAMPLES) and said.count("Measured over 10 seeds") > 9
    assert "needs JavaScript" in said and "<script" not in said


def test_only_this_machine_is_served_and_the_page_is_warmed_up(tmp_path):
    pytest.importorskip("voila")
    from voila.app import Voila

    served = Voila(tornado_settings=playground.SERVER)
    served.parse_command_line(playground.arguments(tmp_path))
    assert served.ip == "127.0.0.1"
    assert served.extra_args == [str(tmp_path / "playground.ipynb")]
    assert served.config.VoilaConfiguration.preheat_kernel is True
    assert served.tornado_settings["websocket_max_message_size"] > uploads.MAX_BYTES


@pytest.mark.parametrize(
    ("options", "shared"),
    [
        ([], False),
        (["--no-browser", "--port=9000"], False),
        (["--Voila.ip=127.0.0.1"], False),
        (["--Voila.ip=localhost"], False),
        (["--Voila.ip", "127.0.0.2"], False),
        (["--Voila.ip=0.0.0.0"], True),
        (["--Voila.ip", "0.0.0.0"], True),
        (["-Voila.ip=0.0.0.0"], True),
        (["--Voila.ip=*"], True),
        (["--Voila.ip="], True),
        (["--Voila.ip=192.168.1.7"], True),
    ],
)
def test_a_page_for_others_says_which_folder_they_may_read(options, shared, monkeypatch):
    app = pytest.importorskip("voila.app")
    monkeypatch.delenv(serving.FOLDER, raising=False)
    launched, seen = [], []
    monkeypatch.setattr(
        app.Voila,
        "launch_instance",
        classmethod(lambda page, given, **_: launched.append((page, given))),
    )
    monkeypatch.setattr(app.Voila, "start", lambda _: seen.append(os.environ.get(serving.FOLDER)))
    playground.start(options)
    ((page, given),) = launched
    served = page()
    served.parse_command_line(given)  # which takes no option twice
    served.start()
    assert seen == [os.getcwd() if shared else None]
    os.environ.pop(serving.FOLDER, None)
    os.environ.pop("VOILA_APP_IP", None)


@pytest.fixture
def page(monkeypatch):
    """The application, which does not start."""
    app = pytest.importorskip("voila.app")
    monkeypatch.delenv("VOILA_APP_IP", raising=False)
    monkeypatch.setattr(app.Voila, "start", lambda _: None)
    made = playground._page_class(app.Voila)()
    yield made
    os.environ.pop("VOILA_APP_IP", None)
    os.environ.pop(serving.FOLDER, None)


def test_the_kernel_is_told_a_port_that_is_free(page):
    """It asks there for its reader, before the server listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        page.ip, page.port = "127.0.0.1", taken.getsockname()[1]
        page.start()
        assert page.port != taken.getsockname()[1]
    assert os.environ["VOILA_APP_IP"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("address", "told"), [("127.0.0.2", "127.0.0.2"), ("::1", "[::1]"), ("0.0.0.0", None)]
)
def test_the_kernel_is_told_where_the_server_listens(page, address, told):
    page.ip = address
    page.start()
    assert os.environ.get("VOILA_APP_IP") == told


def test_addresses_are_meant_from_where_the_command_was_typed(tmp_path, monkeypatch):
    here = tmp_path / "it's here"
    here.mkdir()
    monkeypatch.chdir(here)
    first = playground.page()["cells"][1]["source"]
    compile(first, "cell", "exec")
    assert f"os.chdir({str(here)!r})" in first


def test_without_voila_there_is_a_sentence(monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("voila"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(WorkbookError, match=r"pip install voila\. In a notebook"):
        playground.start()


def test_the_command_hands_on_the_options_of_voila(monkeypatch):
    asked = []
    monkeypatch.setattr(playground, "start", asked.append)
    assert cli.main(["playground", "--no-browser", "--port=9000"]) == 0
    assert asked == [["--no-browser", "--port=9000"]]
