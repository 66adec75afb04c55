# `make run` and `make test` set everything up themselves; `make help` lists the rest.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help run test test-quick test-slow check format docs bench minimal clean setup

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## create the virtual environment and install everything into it

$(STAMP): pyproject.toml constraints.txt tools/find_python.sh
	@test -x $(BIN)/python || { py=$$(sh tools/find_python.sh "$(PYTHON)") && echo "creating $(VENV) with $$py" && $$py -m venv $(VENV); }
	@echo "installing voxtrace and its tools into $(VENV) (a minute the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

run: $(STAMP) ## start the speech server and the dashboard (Ctrl-C stops both)
	@$(BIN)/voxtrace up

test: $(STAMP) test-quick test-slow ## run every test: quick ones first, then real processes and a browser

test-quick: $(STAMP) ## the tests of a few milliseconds each
	@$(BIN)/python -m pytest

test-slow: $(STAMP) ## journeys over real processes, the browser, crashes
	@sh tools/need_chromium.sh
	@$(BIN)/python -m pytest -m slow --timeout 180

check: $(STAMP) ## style, types, who may import whom, house rules, generated docs
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache > /tmp/voxtrace-imports.$$$$ 2>&1 || { cat /tmp/voxtrace-imports.$$$$; exit 1; }; rm -f /tmp/voxtrace-imports.$$$$
	@$(BIN)/python tools/house_rules.py
	@$(BIN)/python tools/generate_docs.py --check

format: $(STAMP) ## let ruff format the code and mend what it can
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

docs: $(STAMP) ## generate the command-line reference, the stage table and the settings table
	@$(BIN)/python tools/generate_docs.py

bench: $(STAMP) ## measure ourselves and print the ratios (several minutes; let nothing else run)
	@$(BIN)/python -m benchmarks

minimal: ## prove that the tracker needs nothing but the standard library
	@sh tools/minimal.sh "$(PYTHON)"

clean: ## remove the virtual environment and all caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
