"""The playground as it is served: two readers in a browser, and one without JavaScript."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator

import browser
import pytest
from playwright.sync_api import Browser, Page

pytest.importorskip("voila")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not browser.find_browser(), reason="no Chromium: install chromium"),
]
PATIENCE = 300_000
"""Milliseconds: a kernel imports TensorFlow and trains before it has a reader."""

OPTIONS = "steps=20&labels_per_class=2&baseline=none"


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    """Serve the playground, and give its address."""
    command = [sys.executable, "-m", "simmim_lib", "playground", "--no-browser"]
    log = tmp_path_factory.mktemp("served") / "log"
    with open(log, "w", encoding="utf-8") as file:
        process = subprocess.Popen(command, stderr=file, stdout=file, text=True)
    try:
        end = time.monotonic() + PATIENCE / 1000
        while process.poll() is None and time.monotonic() < end:
            time.sleep(0.2)
            if found := re.search(r"running at:\s+(http://\S+)", log.read_text("utf-8")):
                yield found[1]
                return
        pytest.fail(log.read_text("utf-8"))
    finally:
        process.terminate()
        process.wait(30)


def opened(chromium: Browser, address: str) -> Page:
    """Open the playground as a reader of its own, and wait for the picture."""
    page = chromium.new_context().new_page()
    page.set_default_timeout(PATIENCE)
    page.loaded = []
    page.on("requestfinished", lambda request: page.loaded.append(request.url))
    page.goto(address)
    says(page, r"test accuracy \d+\.\d")
    return page


def says(page: Page, words: str) -> None:
    """Wait until the words below the picture are such."""
    page.get_by_text(re.compile(words)).first.wait_for()


def test_readers_see_what_they_have_asked_for_and_nothing_of_each_other(chromium, address):
    """Nor is anything of another host loaded: Voila's own page asks for icons of one.

    One page is light, and one is dark.
    """
    first = opened(chromium, f"{address}?seeds=1&{OPTIONS}")
    second = opened(chromium, f"{address}?seeds=2&targets=uci-digits&theme=dark&{OPTIONS}")
    says(first, r"MNIST digits: test accuracy \d+\.\d %")
    says(second, r"UCI digits: test accuracy .* ±")
    first.get_by_role("listbox").first.select_option("fashion")
    says(first, r"Fashion-MNIST: test accuracy \d+\.\d %")
    says(second, r"UCI digits: test accuracy .* ±")
    for page in (first, second):
        assert browser.barriers(page, "#rendered_cells") == []
        assert len(page.loaded) > 5
        assert all(url.startswith((address, "data:", "blob:")) for url in page.loaded)
        page.context.close()


def test_without_javascript_the_page_says_what_was_measured(chromium, address):
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto(address, timeout=PATIENCE)
    text = page.inner_text("body")
    assert "needs JavaScript" in text and text.count("Measured over 10 seeds") > 9
    assert not page.locator("#loading").is_visible()
    page.context.close()
