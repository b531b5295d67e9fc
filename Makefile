# Two commands: `make demo` watches the engine work, `make test` proves it. Both set themselves up.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
ARGS   ?=

.PHONY: demo test setup lint types lexicons bench bench-report clean
.DEFAULT_GOAL := demo

setup: $(STAMP)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Streamwarden needs Python 3.11 or newer; this is %s. Set PYTHON=python3.11 (or newer)." % sys.version.split()[0])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[demo,dev,learn]'
	@touch $@

demo: setup
	$(BIN)/warden demo $(ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

test: setup lint types
	$(BIN)/python -m pytest $(ARGS)

# Learns the shipped pack's lexicons again: make lexicons LABELLED=path/to/labelled.jsonl.gz
lexicons: setup
	$(BIN)/python -m lab.recipes.lexicons $(LABELLED)
	$(BIN)/python -m lab.recipes.landing_pages $(LABELLED)

# Streamwarden against every alternative, on one broker; make bench ARGS="--help" shows what there is to choose.
bench: $(VENV)/.installed-bench
	$(BIN)/python -m benchmarks $(ARGS)

# docs/performance.md from benchmarks/results.json
bench-report: $(VENV)/.installed-bench
	$(BIN)/python -m benchmarks.report $(ARGS)

$(VENV)/.installed-bench: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
