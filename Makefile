.DEFAULT_GOAL := help
.PHONY: help test lint format docs bench loop up down clean

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed
AIRFLOW = PYTHONPATH=plugins $(BIN)/python -m ringrift_airflow.local

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

test: $(STAMP) ## Install what is missing, compile the rules, run the tests
	@sh tests/system/programs.sh
	@echo "==> Compiling the rules"
	@$(BIN)/ringrift game compile
	@echo "==> Running the tests"
	@$(BIN)/python -m pytest -n auto --dist loadgroup -q

lint: $(STAMP) ## Check style, types and the import contracts
	@echo "==> ruff check"
	@$(BIN)/ruff check .
	@echo "==> ruff format --check"
	@$(BIN)/ruff format --check .
	@echo "==> mypy"
	@$(BIN)/mypy
	@echo "==> lint-imports"
	@$(BIN)/lint-imports

format: $(STAMP) ## Rewrite the sources in the project's style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(STAMP) ## Build the documentation as a site in build/docs, and check its links
	@$(BIN)/zensical build --config-file mkdocs.yml --strict --clean
	@echo "==> build/docs/index.html"

bench: $(STAMP) ## Measure the speed of the rules
	@$(BIN)/ringrift bench game --out bench-game.json

loop: $(STAMP) ## One turn of the training loop through Airflow, told stage by stage (PRESET=smoke, CONFIG=square8_2p)
	@RINGRIFT_LOOP_PRESET="$(or $(PRESET),smoke)" $(AIRFLOW) loop --config "$(or $(CONFIG),square8_2p)"

up: $(STAMP) ## Start Airflow with the loops of PRESET (by default that of loop.yaml), and say how to open its web UI
	@RINGRIFT_LOOP_PRESET="$(PRESET)" $(AIRFLOW) up

down: $(STAMP) ## Stop Airflow
	@$(AIRFLOW) down

clean: ## Remove the environment, the caches and what was built
	@rm -rf .venv build dist ringrift.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@for folder in ringrift tests; do \
		if [ -d "$$folder" ]; then find "$$folder" -name __pycache__ -prune -exec rm -rf {} +; fi; \
	done

$(STAMP): pyproject.toml constraints.txt
	@command -v "$(PYTHON)" >/dev/null || \
		{ echo "error: there is no '$(PYTHON)'; install Python 3.11 or newer, or name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: $$("$(PYTHON)" --version 2>&1) is too old; install Python 3.11 or newer, or name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "error: '$(PYTHON)' lacks the venv module; install it (on Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@echo "==> Installing RingRift and its tools into .venv (once, about a minute)"
	@"$(PYTHON)" -m venv .venv
	@$(BIN)/python -m pip install --disable-pip-version-check -e '.[dev]' -c constraints.txt
	@touch $@
