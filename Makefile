.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON ?= python3
EXPERIMENT ?= experiments/credit_default.yaml
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SPARK := $(VENV)/.spark
EXTRAS := samples ebm lightgbm catboost onnx dev

.PHONY: help setup run book test lint type lab ui bench lock clean

help: ## Show what can be done here
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-7s %s\n", $$1, $$2}'

# The environment is made anew when the lock or the project's own metadata change. Byte code is written at once: every
# notebook and every worker is a process of its own, which would compile the libraries again where Python may not keep it.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "riskml needs Python 3.11 or later; this is %d.%d. Try: make PYTHON=python3.12 $(MAKECMDGOALS)" % sys.version_info[:2])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -oE '^uv==[^ ]+' requirements.lock)"
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q src
	@touch $@

# Spark is large, and only its tests need it.
$(SPARK): $(READY) requirements-spark.lock
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --no-deps --require-hashes --requirement requirements-spark.lock
	@touch $@

setup: $(READY) ## Make the environment in .venv

run: $(READY) ## Run the main experiment on real data (EXPERIMENT=experiments/….yaml for another)
	$(BIN)/riskml run $(EXPERIMENT)

book: $(READY) ## Simulate the book of experiments/book_default.yaml into data/book
	$(BIN)/riskml simulate data/book --customers 20000 --months 36

test: $(SPARK) ## Run the tests, every notebook among them
	$(BIN)/pytest -n logical --dist loadgroup --no-loadscope-reorder

lint: $(READY) ## Check the code's style, and that notebooks hold no outputs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/nbstripout --verify --keep-id --extra-keys "metadata.papermill cell.metadata.papermill" notebooks/*.ipynb

type: $(READY) ## Check the types
	$(BIN)/mypy

lab: $(READY) ## Open JupyterLab on the notebooks
	$(BIN)/jupyter lab --notebook-dir=. notebooks

ui: $(READY) ## Open the MLflow UI on the tracked runs
	MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=true $(BIN)/mlflow ui --host 127.0.0.1 --workers 1 --backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///$(CURDIR)/mlflow.db}"

bench: $(READY) ## Print the benchmarks' tables
	@for program in benchmarks/*.py; do echo "== $$program"; $(BIN)/python "$$program"; done

LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --upgrade --custom-compile-command "make lock"
lock: $(READY) ## Resolve the dependencies again and write the lock files
	$(LOCK) $(foreach extra,$(EXTRAS),--extra $(extra)) --output-file requirements.lock pyproject.toml
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["spark"], sep="\n")' \
		| $(LOCK) --output-file requirements-spark.lock -

clean: ## Remove the environment and caches; runs and tracked results stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
