.DEFAULT_GOAL := help
.PHONY: help ready-to-test test coverage lint format docs bench loop up down monitor clean

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed
# The loop needs less than the tests do; who has all has that, too.
RUN_STAMP := $(if $(wildcard $(STAMP)),$(STAMP),.venv/installed-to-run)
PYTEST = $(BIN)/python -m pytest -n auto --dist loadgroup -q
AIRFLOW = PYTHONPATH=plugins $(BIN)/python -m ringrift_airflow.local

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

ready-to-test: $(STAMP)
	@sh tests/system/programs.sh
	@echo "==> Compiling the rules"
	@$(BIN)/ringrift game compile
	@echo "==> Running the tests"

test: ready-to-test ## Install what is missing, compile the rules, run the tests
	@$(PYTEST)

coverage: ready-to-test ## Run the tests a quarter slower, and list the lines of Python that none of them ran
	@$(PYTEST) --cov --cov-report=term-missing:skip-covered

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

bench: $(RUN_STAMP) ## Measure the speed of the rules
	@$(BIN)/ringrift bench game --out bench-game.json

loop: $(RUN_STAMP) ## From nothing to a champion, through Airflow; again: it goes on (PRESET=quick, CONFIG=square8_2p)
	@RINGRIFT_LOOP_PRESET="$(or $(PRESET),quick)" $(AIRFLOW) loop --config "$(or $(CONFIG),square8_2p)"

up: $(RUN_STAMP) ## Start Airflow with the loops of PRESET (by default that of loop.yaml), and say how to open its web UI
	@RINGRIFT_LOOP_PRESET="$(PRESET)" $(AIRFLOW) up

down: $(RUN_STAMP) ## Stop Airflow
	@$(AIRFLOW) down

monitor: $(RUN_STAMP) ## Watch the loop: metrics, Prometheus and Alertmanager of Debian's packages, until Ctrl-C
	@sh include/monitoring/monitor.sh

clean: ## Remove the environment, the caches and what was built
	@rm -rf .venv build dist ringrift.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@for folder in ringrift tests; do \
		if [ -d "$$folder" ]; then find "$$folder" -name __pycache__ -prune -exec rm -rf {} +; fi; \
	done

.venv/installed: extras := dev
.venv/installed-to-run: extras := airflow,fleet,learn,web
.venv/installed .venv/installed-to-run: pyproject.toml constraints.txt
	@command -v "$(PYTHON)" >/dev/null || \
		{ echo "error: there is no '$(PYTHON)'; install Python 3.11 or newer, or name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: $$("$(PYTHON)" --version 2>&1) is too old; install Python 3.11 or newer, or name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "error: '$(PYTHON)' lacks the venv module; install it (on Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@echo "==> Installing RingRift and what it needs into .venv (once, a minute or two)"
	@"$(PYTHON)" -m venv .venv
	@sh include/install.sh '$(extras)'
	@touch $@
