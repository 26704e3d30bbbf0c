# Needs Python 3.11 or newer and make; everything else is installed into $(VENV).
#
#   make setup    the environment, with the package in it (again only when its sources changed)
#   make demo     the quick start, run without a browser; its results lie in outputs/demo
#   make quick    style, layers, all laws at few examples and what a change touches: 3 minutes
#   make test     lint and all tests but the long ones
#   make colab    widgets and notebooks with Colab's ipywidgets and IPython (a part of make test)
#   make lint     style, types, layers, docstrings, spelling
#   make lab      JupyterLab on the notebooks
#   make dist     dist/: a wheel that installs without npm, and the archive of the sources
#   make badges   README: badges that open the notebooks of REPO=owner/name in Colab
#   make bench    speed, measured (pytest -m "benchmark and long": what else takes half an hour)
#
# VENV=/some/where puts the environment elsewhere; PYTHON=python3.12 chooses the interpreter.

VENV ?= .venv
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && echo $$p && break; done)
BIN := $(VENV)/bin
COLAB := $(VENV)-colab
BUNDLE := mimikit_nb/widgets/static/waveform.js
JS := $(sort $(wildcard mimikit_nb/widgets/js/src/*) $(wildcard mimikit_nb/widgets/js/package*.json))
# The environment is made anew when what defines it changes, wherever the files' times stand.
KEY := $(shell { cat pyproject.toml constraints.txt hatch_build.py $(JS); pwd; } | cksum | tr ' ' '-')
READY := $(VENV)/.ready-$(KEY)

.PHONY: setup demo quick test colab lint lab dist badges bench chromium install
.DELETE_ON_ERROR:

ifeq ($(wildcard $(BUNDLE)),)
setup: install
else
setup: $(READY)
endif

$(READY):
	$(MAKE) install

install:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found; name one: make PYTHON=... setup"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[test,batch,lab,formats]' --constraint constraints.txt
	rm -f $(VENV)/.ready-*
	touch $(READY)

demo: setup
	$(BIN)/mimikit-nb run quickstart --out outputs/demo
	@echo "The demo's notebook, sounds and pictures lie in outputs/demo."

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/numpydoc lint $$(git ls-files 'mimikit_nb/*.py')
	$(BIN)/codespell

# What begins after the seconds is left out, and listed: make test runs it.
quick: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --hypothesis-profile=few \
		-p tests.deadline --seconds=110 \
		-m "not long and not benchmark and not browser and not thorough" \
		$$($(BIN)/python scripts/quick.py)

# The browser tests want the machine to themselves; all others share its cores. Of the browser
# tests, what fails is tried once more, and both tries are listed with what was said: a test that
# passes only then is a fault to find, but no reason to hold everything up. Nothing else is.
TWICE := --reruns 1 --rerun-show-tracebacks

test: setup lint chromium
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m "not long and not benchmark and not browser"
	$(MAKE) colab
	$(BIN)/python -m pytest $(TWICE) -m "browser and not long and not benchmark"

# A second environment, made in seconds: Colab's two, and the main environment behind them.
colab: setup
	$(BIN)/python tests/hosts/colab_env.py $(COLAB)
	OMP_NUM_THREADS=1 $(COLAB)/bin/python -m pytest -n 2 --disable-warnings \
		tests/widgets tests/hosts
	COLAB_RELEASE_TAG=test OMP_NUM_THREADS=1 $(COLAB)/bin/python -m pytest -n 2 --disable-warnings \
		tests/notebooks/test_runs.py

chromium:
	@sh tests/browser/install_chromium.sh

lab: setup
	$(BIN)/jupyter lab notebooks

# The bundle is there since the set-up, and goes into both.
dist: setup
	$(BIN)/hatchling build -d dist

badges:
	$(PYTHON) scripts/badges.py "$(REPO)" README.md

bench: setup
	$(BIN)/python -m pytest -m "benchmark and not long" -s tests/benchmarks
