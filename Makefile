# Two commands: `make demo` watches the engine work, `make test` proves it. Both set themselves up.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
BENCH  := .venv-bench
RELEASE := .venv-release
COMPILE = $(RELEASE)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade)
ARGS   ?=
TEST_PROCESSES ?= 2

.PHONY: demo test chaos fuzz soak bench bench-report setup lint types lexicons dashboards lock audit clean
.DEFAULT_GOAL := demo

setup: $(STAMP)

$(STAMP): pyproject.toml setup.py $(wildcard rules/scans/*.p*)
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

# In as many processes as TEST_PROCESSES says (they wait for brokers much of the time), each with brokers of its own; a file stays in one of them,
# and files begin in the order of tests/conftest.py. Bytecode is written even where the environment says that none is to
# be: the tests start hundreds of processes of the same modules, and each would compile them anew.
test: export PYTHONDONTWRITEBYTECODE :=
test: setup lint types
	@$(BIN)/python -m tests.fetch
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder $(ARGS)

# Sabotage on a real Kafka, compared with the offline engine: CHAOS_S seconds, CHAOS_BROKERS 1 or 3, CHAOS_SEED.
chaos: setup
	$(BIN)/python -m chaos

# Hostile input for FUZZ_S seconds a target (60), coverage-guided by atheris; what breaks one goes to tests/fuzz/corpus.
fuzz: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]' || echo 'No atheris here: mutations only.'
	$(BIN)/python -m tests.fuzz.explore $(ARGS)

# One worker at half of its capacity for SOAK_S seconds; fails when memory, lag or open files grow.
soak: setup
	$(BIN)/python -m soak

# Learns the shipped pack's lexicons again: make lexicons LABELLED=path/to/labelled.jsonl.gz
lexicons: setup
	$(BIN)/python -m lab.recipes.lexicons $(LABELLED)
	$(BIN)/python -m lab.recipes.landing_pages $(LABELLED)

# grafana/dashboards/*.json, from the code in grafana/generate
dashboards: setup
	$(BIN)/python -m grafana.generate

# Streamwarden against every alternative, on one broker; make bench ARGS="--help" shows what there is to choose.
# In an environment of its own: the contenders want other versions of some libraries.
bench: $(BENCH)/.installed
	$(BENCH)/bin/python -m benchmarks $(ARGS)

# docs/performance.md from benchmarks/results.json
bench-report: $(BENCH)/.installed
	$(BENCH)/bin/python -m benchmarks.report $(ARGS)

$(BENCH)/.installed: $(STAMP)
	@test -x $(BENCH)/bin/python || $(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,bench]'
	@touch $@

# Pins what is installed: requirements/*.txt, for every platform and Python, with hashes. UPGRADE=1 takes newer releases.
lock: $(RELEASE)/.installed
	$(COMPILE) pyproject.toml -o requirements/runtime.txt
	$(COMPILE) pyproject.toml --extra demo -c requirements/runtime.txt -o requirements/demo.txt
	$(COMPILE) requirements/build.in -o requirements/build.txt

# Looks for known vulnerabilities in what is pinned; asks PyPI, and fails when PyPI does not say.
audit: $(RELEASE)/.installed
	$(RELEASE)/bin/pip-audit --strict --disable-pip --require-hashes -r requirements/demo.txt -r requirements/build.txt

$(RELEASE)/.installed: pyproject.toml
	@test -x $(RELEASE)/bin/python || $(PYTHON) -m venv $(RELEASE)
	$(RELEASE)/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9' 'pip-audit>=2.9'
	@touch $@

clean:
	rm -rf $(VENV) $(BENCH) $(RELEASE) .pytest_cache .mypy_cache .ruff_cache .hypothesis build rules/scans/*.so *.egg-info
