# Every target does its own set-up: a virtual environment inside the checkout, pinned by constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BENCH_READY := $(VENV)/.ready-bench

.PHONY: demo test check soak bench clean help

help:
	@echo "make demo   see what proofport does, against local emulators of the vendors"
	@echo "make test   the tests          make soak   the long suites, whole"
	@echo "make check  ruff and mypy      make bench  the benchmarks"

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "pip==25.3"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

$(BENCH_READY): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[bench]"
	@touch $@

demo: $(READY)
	$(BIN)/proofport demo

test: $(READY)
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

soak: $(READY)
	PROOFPORT_SOAK=1 $(BIN)/python -m pytest

check: $(READY)
	$(BIN)/ruff check src adapters tests benchmarks
	$(BIN)/ruff format --check src adapters tests benchmarks
	$(BIN)/mypy
	$(BIN)/mypy tests

bench: $(BENCH_READY)
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build dist .proofport .pytest_cache .mypy_cache .ruff_cache .hypothesis
