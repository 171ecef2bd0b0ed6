# The workbook's commands; `make` alone lists them. They need make and Python 3.11 to 3.13 with
# venv: everything else is installed into .venv, at the versions in constraints/.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help lab quick test test-colab test-floors notebooks report results trunks bench colab site check format lock clean

# A reader's own settings must not leak into the environments made here.
unexport PYTHONPATH PYTHONHOME PIP_TARGET PIP_PREFIX PIP_REQUIRE_VIRTUALENV
export PIP_USER := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PYDEVD_DISABLE_FILE_VALIDATION := 1

BIN := .venv/bin
# Two workers, each with whole files, so that what a file's tests share is made once; a worker may
# need 3 GB. Where the time goes is said at the end.
TESTS := -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=15

COMPILE := $(BIN)/uv pip compile pyproject.toml --python-version 3.11 --upgrade --quiet \
  --no-header --no-annotate

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

lab: .venv/installed ## open the lessons in JupyterLab; Ctrl-C stops it
	@exec $(BIN)/python -m simmim_lib.commands.lab $(OPTIONS)

quick: check ## lint, types, layers and the tests that are not slow
	$(BIN)/python $(TESTS) -m "not slow"

test: check .venv-colab/installed .venv-floors/installed ## run all, also with Colab's and the lowest versions
	$(BIN)/python $(TESTS)
	@$(MAKE) --no-print-directory test-colab test-floors

test-colab: .venv-colab/installed ## run what depends on versions, such as notebooks, with Colab's
	@echo "With Colab's versions, on $$(.venv-colab/bin/python --version):"
	.venv-colab/bin/python $(TESTS) -m colab $$(grep -rl --include='test_*.py' mark.colab tests)

test-floors: .venv-floors/installed ## run a little of everything with the lowest versions allowed
	@echo "With the lowest versions, on $$(.venv-floors/bin/python --version):"
	.venv-floors/bin/python $(TESTS) -m floors

notebooks: .venv/installed ## build the notebooks from notebooks/source; LESSONS="01 02" for some
	$(BIN)/python notebooks/build.py $(LESSONS)

report: .venv/installed ## report on the default settings; OPTIONS="-p seeds 5" for others
	$(BIN)/python -m simmim_lib report $(OPTIONS)

results: .venv/installed ## compute the numbers that the lessons quote (most of an hour)
	$(BIN)/python -m simmim_lib study

trunks: .venv/installed ## pre-train the networks that come with the workbook; NETWORKS="mnist" for some sources
	$(BIN)/python -c "import sys; from simmim_lib.experiments.pretraining import bundle; bundle(*sys.argv[1:])" $(NETWORKS)

bench: .venv/installed ## measure the speed; OPTIONS="--output FILE" writes it down
	$(BIN)/python benchmarks/bench.py $(OPTIONS)

colab: ## run the lessons on Colab itself: needs google-colab-cli and an account, see README
	@if ! command -v colab > /dev/null; then \
	  echo "Skipped: the command colab is not installed (pip install google-colab-cli)."; exit 0; fi; \
	for lesson in notebooks/*.ipynb; do echo "$$lesson"; colab exec -f "$$lesson" || exit 1; done

site: .venv/installed ## turn lessons, pages and docstrings into HTML, in site/
	$(BIN)/python -m sphinx --fail-on-warning --keep-going -q -E -c docs -b html . site
	@echo "site/docs/index.html"

check: .venv/installed ## lint, formatting, types and layers
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports --no-logo

format: .venv/installed ## format the code and fix what ruff can fix
	$(BIN)/python -m ruff check --fix-only .
	$(BIN)/python -m ruff format .

lock: .venv/installed ## renew constraints/local.txt and floors.txt (mirror_colab.py makes colab.txt)
	$(BIN)/python -m pip install --quiet uv
	{ echo '# Tested versions for Python 3.11 to 3.13, for .venv; `make lock` renews them.'; \
	  $(COMPILE) --extra lab --extra site --extra test --universal --fork-strategy fewest; \
	} > constraints/local.txt.part
	{ echo '# The lowest versions of all that pyproject.toml names for the workbook and its tests,'; \
	  echo '# on Python 3.11, for .venv-floors; of what these need, the newest. `make lock` renews them.'; \
	  $(COMPILE) --extra test --resolution lowest-direct; \
	} > constraints/floors.txt.part
	for name in local floors; do mv constraints/$$name.txt.part constraints/$$name.txt; done

clean: ## remove the environments and everything else that was generated, but no notebook
	rm -rf .venv .venv-colab .venv-floors artefacts build dist docs/made site .mypy_cache .ruff_cache .pytest_cache \
	  .hypothesis .import_linter_cache
	find simmim_lib tests notebooks benchmarks data constraints -name __pycache__ -prune \
	  -exec rm -rf {} +

# An environment is made once; when the requirements change, pip brings it up to date.
.venv/installed: pyproject.toml constraints/local.txt
	@echo "Preparing .venv (a few minutes the first time) ..."
	@sh .ci/environment .venv python3 python3.13 python3.12 python3.11 python
	@$(BIN)/python -m pip install --quiet -c constraints/local.txt -e '.[lab,site,test]'
	@touch $@

.venv-colab/installed: pyproject.toml constraints/colab.txt
	@echo "Preparing .venv-colab, with the versions that Colab has ..."
	@sh .ci/environment .venv-colab python3.13 python3 python3.12 python3.11 python
	@.venv-colab/bin/python -m pip install --quiet -c constraints/colab.txt -e '.[test]'
	@touch $@

# The lowest NumPy has no wheel for Python 3.13.
.venv-floors/installed: pyproject.toml constraints/floors.txt
	@echo "Preparing .venv-floors, with the lowest versions that are allowed ..."
	@sh .ci/environment .venv-floors python3.11 python3.12
	@.venv-floors/bin/python -m pip install --quiet -c constraints/floors.txt -e '.[test]'
	@touch $@
