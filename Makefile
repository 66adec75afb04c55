# `make run` and `make test` set everything up themselves; `make help` lists the rest.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin

# One worker for each core; a worker that has nothing left to do takes over tests of another. More than four wait for
# each other's servers. Slow tests run one behind another: those of load and of waiting disturb each other.
PARALLEL := -n auto --maxprocesses 4 --dist worksteal

# A virtual environment named by the caller is the caller's: it is used as it is.
ifeq ($(origin VENV),file)
READY := $(VENV)/.installed
endif

.DEFAULT_GOAL := help
.PHONY: help setup run test test-quick test-slow test-browser agents check format docs bench minimal clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(READY) ## create the virtual environment and install everything into it

$(VENV)/.installed: pyproject.toml constraints.txt tools/set_up.sh
	@sh tools/set_up.sh "$(VENV)" "$(PYTHON)"
	@touch $@

run: $(READY) ## start the speech server and the dashboard (Ctrl-C stops both)
	@$(BIN)/voxtrace up

test: test-quick test-slow test-browser ## run every test: quick ones first, then real processes, then a browser

test-quick: $(READY) ## the tests of a few milliseconds each
	@$(BIN)/python -m pytest $(PARALLEL)

agents: ## install the voice-agent frameworks that tests/agents drives, apart from everything else
	@sh tools/need_voice_agents.sh "$(PYTHON)"

test-slow: $(READY) agents ## journeys over real processes, and crashes
	@sh tools/need_redis.sh
	@$(BIN)/python -m pytest -m "slow and not browser" --timeout 180

test-browser: $(READY) ## what a person sees, in Debian's Chromium
	@sh tools/need_chromium.sh
	@$(BIN)/python -m pytest $(PARALLEL) -m browser --timeout 180

check: $(READY) ## style, types, who may import whom, house rules, generated docs
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy
	@contracts=$$($(BIN)/lint-imports --no-cache 2>&1) || { echo "$$contracts"; exit 1; }
	@$(BIN)/python tools/house_rules.py
	@$(BIN)/python tools/generate_docs.py --check

format: $(READY) ## let ruff format the code and mend what it can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: $(READY) ## write the pages of docs/ that are generated from the code
	@$(BIN)/python tools/generate_docs.py

bench: $(READY) ## measure ourselves and print the ratios (several minutes; let nothing else run)
	@$(BIN)/python -m benchmarks

minimal: ## prove that the tracker needs nothing but the standard library
	@sh tools/minimal.sh "$(PYTHON)"

clean: ## remove the virtual environment and all caches
	rm -rf .venv .venv-agents .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
