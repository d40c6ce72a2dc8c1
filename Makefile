# Everything that is done often. A fresh machine needs Python 3.11 or newer and make; the rest goes into .venv.

VENV := .venv
VLLM_VENV := .venv-vllm
PORT ?= 8800
# The first interpreter that is new enough; `make PYTHON=/path/to/python` overrides it.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && exit; done; echo python3)
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --no-input
# How many processes run the tests: three for two cores, for a third of the time a test waits.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) * 3 // 2)')
# The tests start Python hundreds of times; an environment in which it may not keep what it compiled costs minutes.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test vllm test-vllm lint format lock clean install install-dev port

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'

demo: port install ## install, prove the example policy, download the model, chat at http://localhost:8800 (PORT=…)
	$(VENV)/bin/jurat models pull
	$(VENV)/bin/jurat check examples/support
	$(VENV)/bin/jurat serve examples/support --port $(PORT)

test: lint ## install, check the code and run every test but vLLM's, the real model's included
	$(VENV)/bin/jurat models pull
	$(VENV)/bin/python -m pytest --numprocesses $(WORKERS) --dist worksteal --ignore tests/live
	$(VENV)/bin/python -m pytest tests/live # one after another: the real model takes every core by itself

vllm: ## build .venv-vllm: vLLM for CPUs, Outlines and transformers (4 GB, minutes)
	@command -v $(PYTHON) >/dev/null || { echo "Jurat needs Python 3.11 or newer, and \`$(PYTHON)\` was not found" >&2; exit 1; }
	$(PYTHON) scripts/vllm_environment.py --venv $(VLLM_VENV)

test-vllm: vllm ## run the tests that need a real vLLM, in its environment
	$(VLLM_VENV)/bin/jurat models pull
	$(VLLM_VENV)/bin/jurat models pull smollm2-135m
	$(VLLM_VENV)/bin/python -m pytest tests/vllm

lint: install-dev ## check style, types and import layers
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-cache

format: install-dev ## format the code and sort its imports
	$(VENV)/bin/ruff check --fix-only .
	$(VENV)/bin/ruff format .

lock: install-dev ## resolve the newest versions and pin them in requirements/
	$(VENV)/bin/python scripts/lock.py

clean: ## remove what was installed or built here; downloaded models stay in the user's cache
	rm -rf $(VENV) $(VLLM_VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

install: $(VENV)/installed ## install what `make demo` needs
install-dev: $(VENV)/installed-dev ## install what `make test` needs

# An occupied port is said first, before anything is installed or downloaded.
port:
	@command -v $(PYTHON) >/dev/null || { echo "Jurat needs Python 3.11 or newer, and \`$(PYTHON)\` was not found" >&2; exit 1; }
	@$(PYTHON) scripts/preflight.py port '$(PORT)'

$(VENV)/created:
	@command -v $(PYTHON) >/dev/null || { echo "Jurat needs Python 3.11 or newer, and \`$(PYTHON)\` was not found" >&2; exit 1; }
	@$(PYTHON) scripts/preflight.py python
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed: $(VENV)/created pyproject.toml requirements/build.txt requirements/server.txt
	$(PIP) install -r requirements/build.txt -r requirements/server.txt
	$(PIP) install --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/installed-dev: $(VENV)/created pyproject.toml requirements/dev.txt requirements/client.txt
	$(PIP) install -r requirements/dev.txt
	$(PIP) install --no-deps -r requirements/client.txt
	$(PIP) install --no-build-isolation --no-deps -e .
	@touch $@
