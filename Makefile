# Every target does its own set-up: a virtual environment inside the checkout, with the packages that `requirements` pins
# by version and hash.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Many tests wait for other processes, so there are twice as many as processors.
WORKERS := $(shell $(PYTHON) -c "import os; print(2 * len(os.sched_getaffinity(0)))")
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
READY := $(VENV)/.ready
OSCAL := $(VENV)/oscal
RELEASE := build/release
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
LOCK := $(COMPILE) pyproject.toml

.PHONY: demo test check soak bench oscal release pins clean help

help:
	@echo "make demo   see what proofport does, against local emulators of the vendors"
	@echo "make test   the tests          make soak     the long suites, whole"
	@echo "make check  ruff and mypy      make bench    the benchmarks"
	@echo "make oscal  receipts as OSCAL  make release  sdist, wheel and SBOM, in dist"

$(READY): pyproject.toml requirements/dev.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r requirements/dev.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(READY)-%: requirements/%.txt $(READY)
	$(PIP) --require-hashes -r $<
	@touch $@

# It needs packages that nothing else here does, so that it has an environment of its own. The file has all that it needs:
# with --no-deps pip takes it as it is, else it misses a pin of `pydantic[email]`.
$(OSCAL)/.ready: requirements/oscal.txt $(READY)
	$(PYTHON) -m venv $(OSCAL)
	$(OSCAL)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

demo: $(READY)
	$(BIN)/proofport demo

test: $(READY)
	$(PYTEST)

soak: $(READY) $(OSCAL)/.ready
	PROOFPORT_SOAK=1 $(PYTEST)

oscal: $(OSCAL)/.ready
	$(BIN)/python -m pytest tests/end_to_end/test_oscal.py

check: $(READY)
	$(BIN)/ruff check src adapters tests benchmarks
	$(BIN)/ruff format --check src adapters tests benchmarks
	$(BIN)/mypy
	$(BIN)/mypy tests benchmarks

bench: $(READY)-bench
	$(BIN)/python -m benchmarks

release: $(READY)-release
	rm -rf dist $(RELEASE)
	$(BIN)/python -m build --no-isolation
	$(PYTHON) -m venv $(RELEASE)
	$(RELEASE)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(RELEASE)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps dist/*.whl
	$(RELEASE)/bin/python -m pip uninstall --quiet --disable-pip-version-check --yes setuptools pip
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --output-file dist/proofport.cdx.json $(RELEASE)/bin/python

# Needs uv. It keeps the pinned versions; `make pins UPGRADE=--upgrade` takes the newest.
pins:
	$(LOCK) $(UPGRADE) --extra dev --output-file requirements/dev.txt
	$(LOCK) --constraint requirements/dev.txt --extra audit --extra fast --extra parquet --extra postgres --extra timestamps --extra xlsx --output-file requirements/run.txt
	$(LOCK) --constraint requirements/dev.txt --extra bench --output-file requirements/bench.txt
	$(COMPILE) --constraint requirements/dev.txt --group oscal --output-file requirements/oscal.txt
	$(LOCK) --constraint requirements/dev.txt --extra release --output-file requirements/release.txt

clean:
	rm -rf $(VENV) build dist .proofport .pytest_cache .mypy_cache .ruff_cache .hypothesis
