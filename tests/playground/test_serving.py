"""A shared page reads the shared folder and uploads only, and ends what takes too much."""

import os

import image_making
import pytest
from widget_driver import click, find, send

from simmim_lib.errors import WorkbookError
from simmim_lib.playground import links, playground, serving, uploads

pytestmark = pytest.mark.colab


@pytest.fixture
def shared(monkeypatch, tmp_path):
    """The folder of a page that others than its owner open; its sibling is none of theirs."""
    folder = tmp_path / "shared"
    image_making.fill(folder / "photos", {"cat": 12, "dog": 12})
    image_making.fill(tmp_path / "private", {"cat": 12, "dog": 12})
    monkeypatch.setenv(serving.FOLDER, str(folder))
    monkeypatch.setattr(serving, "_UPLOADED", [])
    return folder


def test_data_in_the_folder_and_uploads_can_be_used(shared):
    assert links.settings({"targets": f"folder:{shared}/photos"})
    own = image_making.fill(serving.folder_for_upload([]) / "mine", {"a": 12, "b": 12})
    assert links.settings({"targets": ("mnist", f"folder:{own}")})


@pytest.mark.parametrize(
    "given",
    [
        {"targets": "folder:{outside}"},
        {"targets": "mnist,folder:{outside}"},
        {"targets": ("folder:{outside}",)},
        {"targets": "folder:{shared}/../private"},
        {"targets": "folder:{shared}/photos,folder:{shared}/photos/../../private"},
        {"targets": "folder:{shared}/link"},
        {"targets": "folder:{shared}/mixed"},
        {"targets": "folder:~"},
        {"targets": "csv:{shared}/table.csv"},
        {"source": "folder:{outside}"},
        {"source": "folder:{shared}/photos,/../../private"},
        {"foreign_images": "folder:{outside}"},
        {"trunk": "file:{outside}/network.keras"},
        {"trunk": "file:/etc/passwd"},
        {"targets": "folder:/nowhere"},
    ],
)
def test_what_lies_or_leads_outside_is_refused_before_it_is_read(shared, given):
    outside = shared.parent / "private"
    os.symlink(outside, shared / "link")
    image_making.fill(shared / "mixed", {"cat": 12, "dog": 1})
    os.symlink(next((outside / "dog").iterdir()), shared / "mixed" / "dog" / "linked.png")
    rows = [f"{path},{path.parent.name}" for path in outside.glob("*/*")]
    (shared / "table.csv").write_text("\n".join(["image,label", *rows]))

    def filled(value):
        if isinstance(value, tuple):
            return tuple(map(filled, value))
        return value.format(outside=outside, shared=shared)

    with pytest.raises(WorkbookError, match="outside of what this page may read") as refusal:
        links.settings({name: filled(value) for name, value in given.items()})
    assert "\n" not in str(refusal.value) and "dog" not in str(refusal.value)


def test_what_would_be_downloaded_is_refused(shared, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(WorkbookError, match="'resnet50' would be downloaded, which this page does"):
        links.settings({"trunk": "resnet50", "targets": "fashion"})


@pytest.mark.slow
def test_a_pretraining_is_limited_too(shared, monkeypatch, tmp_path):
    """What no file has is trained before the experiment, with a bar of its own."""
    monkeypatch.setenv("SIMMIM_CACHE", str(tmp_path))
    monkeypatch.setattr(serving, "MAX_BYTES", 10**12)
    monkeypatch.setattr(serving, "MAX_SECONDS", -60)
    page = playground("trunk=small-vit&source=glyphs&pretext=contrastive&steps=3&seeds=1")
    page.start()
    assert "minutes, which a shared page does not give" in page.message.value
    assert not list(tmp_path.rglob("*.npz"))


def test_the_owner_of_a_page_may_read_everything(monkeypatch, tmp_path):
    monkeypatch.delenv(serving.FOLDER, raising=False)
    image_making.fill(tmp_path / "photos", {"cat": 12, "dog": 12})
    assert links.settings({"targets": f"folder:{tmp_path}/photos"})
    told = []
    monkeypatch.setattr(serving, "MAX_SECONDS", -1)
    serving.limited(lambda *now: told.append(now))(1, 2)
    assert told == [(1, 2)]


def test_a_reader_has_so_much_time_and_memory(shared, monkeypatch):
    told = []
    monkeypatch.setattr(serving, "MAX_BYTES", 10**12)  # a worker of tests may have many
    tell = serving.limited(lambda *now: told.append(now))
    tell(1, 2)
    assert told == [(1, 2)]
    monkeypatch.setattr(serving, "MAX_BYTES", 10)
    with pytest.raises(WorkbookError, match=r"more than 0 GB of memory, .* fewer steps or seeds"):
        tell(2, 2)
    monkeypatch.setattr(serving, "MAX_SECONDS", -60)
    with pytest.raises(WorkbookError, match="minutes, which a shared page does not give"):
        tell(2, 2)


def test_a_refused_address_changes_nothing_and_an_upload_is_learnt_from(shared, monkeypatch):
    from simmim_lib.playground import page as module

    asked = []
    monkeypatch.setattr(
        module, "_pictures", lambda given, _: iter(asked.append(links.settings(given)) or ())
    )
    page = playground("seeds=2")
    send(page.address, value=f"folder:{shared.parent}/private")
    click(find(page.view, "Learn from it"))
    assert "outside of what this page may read" in page.message.value
    assert page.given == {"seeds": "2"}
    content = b"review,stars\n" + b"\n".join(b"a long text %d,%d" % (n, n % 2) for n in range(40))
    page._keep({"my.csv": {"metadata": {}, "content": content}})
    page.wait()
    (target,) = asked[-1].targets
    assert target.endswith("my.csv?text=review") and asked[-1].seeds == 2
    assert page.address.value == target
    page._keep(({"name": "x.png", "content": memoryview(b"1")},))
    assert "upload a .zip" in page.message.value
    assert asked[-1].targets == (target,) and uploads.MAX_BYTES < 10**8


def test_an_upload_takes_the_place_of_those_that_are_used_no_more():
    first, second = serving.folder_for_upload([]), serving.folder_for_upload(["mnist"])
    assert not first.exists() and second.is_dir()
    third = serving.folder_for_upload([f"folder:{second}/photos,mnist"])
    assert second.is_dir() and third.is_dir()
