"""The site: `make site` turns lessons, pages and docstrings into HTML that needs no network.

Sphinx reads this file. The lessons are shown as they are stored, with their pictures; nothing is
run. Formulas become MathML, which every current browser draws by itself.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

import live_data  # noqa: E402 (beside this file, as the next ones)
import offline  # noqa: E402
import site_pages  # noqa: E402
import speed_page  # noqa: E402
import usable  # noqa: E402

from simmim_lib import __version__  # noqa: E402

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "SimMIM Workbook"
author = "the SimMIM Workbook's authors"
project_copyright = "the authors; code under the MIT licence, texts under CC BY 4.0"
release = version = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/index"
exclude_patterns = ["CODE_OF_CONDUCT.md"]
include_patterns = ["*.md", "data/*.md", "docs/*.md", "docs/made/*.md", "notebooks/*.ipynb"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}

nb_execution_mode = "off"
nb_merge_streams = True
nb_render_markdown_format = "myst"  # which knows tables, as a lesson's outputs have them
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", 1000)]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
suppress_warnings = ["mystnb.unknown_mime_type", "ref.python"]

autodoc_member_order = "bysource"
autodoc_typehints = "description"
napoleon_use_ivar = True  # a class's attributes are told of once

html_theme = "furo"
html_title = "SimMIM Workbook"
html_static_path = ["static", "made/static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_math_renderer = "mathml"
html_theme_options = {"navigation_with_keys": True}


def setup(app: "Sphinx") -> None:
    """Write the pages that are made from results, and let all pages stand alone."""
    site_pages.write(ROOT)
    speed_page.write(ROOT)
    live_data.write(ROOT / "docs" / "made" / "static" / "made")
    app.connect("source-read", offline.fold_cells)
    app.connect("doctree-read", offline.stand_alone)
    app.connect("build-finished", usable.repair)
    app.add_html_math_renderer("mathml", (offline.draw_inline, None), (offline.draw_block, None))
