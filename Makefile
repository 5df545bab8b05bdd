# Everything runs in .venv, which each target makes by itself from a plain Python 3.11 or newer.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOME_OF_DEMO := .demo/home

.PHONY: demo test check bench docs release lock clean

# Photos of two people compared, and two pictures to look at. Its licences, photos and pictures stay in .demo.
demo: $(VENV)/.installed
	@echo 'Fetching four sample photos into .demo/photos ...'
	@$(BIN)/python tools/fetch_samples.py .demo/photos
	@echo 'Filming one of them for three seconds: .demo/still.mp4 ...'
	@$(BIN)/python tools/make_clip.py .demo/photos/obama.jpg .demo/still.mp4
	@tools/demo.sh $(BIN)/senseid .demo/photos $(HOME_OF_DEMO)

# All tests that take seconds, with branch coverage.
test: $(VENV)/.developing
	$(BIN)/python -m pytest -n auto -m "not slow" --cov --cov-report=term $(ARGS)

# The slower gates: style, types, arrows, advisories about packages, the slow tests, the built
# wheel, and the oldest packages that it asks for.
check: $(VENV)/.developing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/make_completions.py --check
	$(BIN)/python tools/make_reference.py --check
	$(BIN)/python tools/check_advisories.py
	$(BIN)/python -m pytest -m slow $(ARGS)
	$(BIN)/python tools/check_release.py
	$(BIN)/python tools/check_floors.py

# The documentation as a site: build/site/index.html, no network needed. A broken link is an error.
docs: $(VENV)/.developing
	$(BIN)/python tools/make_site.py

# sdist, wheel, SBOM and their sums in dist/, checked; KEY=FILE signs the sums by a private key of OpenSSH.
release: $(VENV)/.developing
	$(BIN)/python tools/check_release.py --out dist $(if $(KEY),--sign $(KEY))

# The newest packages for the container image, in deploy/*.lock.
lock: $(VENV)/.developing
	$(BIN)/python tools/make_lock.py

bench: $(VENV)/.developing
	$(BIN)/python -m tests.bench.all

clean:
	rm -rf $(VENV) .demo build dist

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "senseid needs Python 3.11 or newer: make PYTHON=python3.11")'
	@echo 'Making a virtual environment in $(VENV) ...'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	@echo 'Installing senseid and the packages that it needs into $(VENV): a minute or two ...'
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.developing: pyproject.toml | $(VENV)/bin/python
	@echo 'Installing senseid, its extras and its tools into $(VENV): a few minutes ...'
	@$(BIN)/python -m pip install --quiet --editable '.[serve,report,keyring,heif,parquet,dask,otel]' --group dev --group recipes
	@touch $@ $(VENV)/.installed
