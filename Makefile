# One runner file: what a developer types and what CI runs.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .tools/bin/uv
BIN := .venv/bin
AFTERSALES := $(BIN)/aftersales
UV_LOCK := $(UV) pip compile -q --generate-hashes --no-emit-index-url --universal --python-version 3.11
# What tests are run with; `make test PYTEST="-k refund -x"` runs a part.
PYTEST ?= -n 2 --dist loadfile

export UV_PYTHON_DOWNLOADS := never
# Trust what this machine trusts, as pip and npm do: companies sign their own proxies.
export UV_SYSTEM_CERTS := 1
# The cache may lie on another file system, where a hard link is not possible.
export UV_LINK_MODE := copy

.PHONY: help setup run demo tick token test soak check bench package train lock clean

help: ## list what can be typed
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .tools/stamp-engine ## build .tools and .venv, and fetch the embedded database; quick when nothing changed

run: setup ## start the whole system on this machine, on durable state in .local
	@$(AFTERSALES) run

demo: setup ## play one claim of each trade from end to end; PHOTOS=folder takes your own photos
	@$(AFTERSALES) demo $(if $(PHOTOS),--photos "$(PHOTOS)")

tick: setup ## move the local clock forward: make tick HOURS=48
	@$(AFTERSALES) tick --hours "$(or $(HOURS),1)"

token: setup ## print a local token: make token ROLE=clerk MERCHANT=m1 SUB=anna
	@$(AFTERSALES) token $(if $(ROLE),--role "$(ROLE)") $(if $(MERCHANT),--merchant "$(MERCHANT)") $(if $(SUB),--sub "$(SUB)")

test: setup ## run every test that needs nothing but this machine
	@$(BIN)/pytest -q $(PYTEST)

soak: setup ## look for faults: 50,000 scripts of faults with money (SCRIPTS=n), 10,000 parcels for ten days (PARCELS=n), 1,000,000 facts by tables of rules (FACTS=n), then 2,000 photos through one worker (LOOKS=n); an hour
	@$(BIN)/python -m tests.property.scripts.soak --scripts "$(or $(SCRIPTS),50000)" --first -1
	@SOAK=1 $(BIN)/pytest -q -n 2 tests/property/test_money_machine.py tests/property/test_decoder_fuzz.py tests/property/test_trails.py
	@$(BIN)/python -m tests.property.fleet --parcels "$(or $(PARCELS),10000)"
	@$(BIN)/python -m tests.property.ruling.soak --facts "$(or $(FACTS),1000000)"
	@$(BIN)/python -m infra.local.soak --photos "$(or $(LOOKS),2000)"

check: setup ## lint, format, types, import rules and fresh docs: exactly what CI checks
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(AFTERSALES) docs --check

bench: setup ## measure what a case costs and how long a request takes
	@$(AFTERSALES) bench

package: setup ## build what is deployed, under build/
	@$(BIN)/python -m infra.package

train: .tools/stamp-train ## build .tools/train, the environment that models are trained in; see models/README.md

lock: .tools/stamp-uv-$(UV_VERSION) ## renew requirements/*.txt from requirements/*.in, hashed and without addresses
	$(UV_LOCK) --upgrade requirements/dev.in -o requirements/dev.txt
	$(UV_LOCK) -c requirements/dev.txt requirements/api.in -o requirements/api.txt
	$(UV_LOCK) -c requirements/dev.txt requirements/ocr.in -o requirements/ocr.txt
	$(UV_LOCK) -c requirements/dev.txt requirements/stripe.in -o requirements/stripe.txt
	$(UV_LOCK) -c requirements/dev.txt requirements/vision.in -o requirements/vision.txt
	$(UV_LOCK) --upgrade requirements/ministack.in -o requirements/ministack.txt
	$(UV_LOCK) --upgrade requirements/node.in -o requirements/node.txt

clean: ## remove what was built and every cache; .local (your data), .venv and .tools stay
	@rm -rf build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .schemathesis
	@find . -name __pycache__ -type d -not -path './.venv/*' -not -path './.tools/*' -prune -exec rm -rf {} +

# --- the parts of setup, each done once until its input changes -----------------------------------------------------

.tools/stamp-uv-$(UV_VERSION):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; PYTHON=... names one" >&2; exit 1; }
	@echo "setting up uv $(UV_VERSION) …"
	@[ -x .tools/bin/python ] || $(PYTHON) -m venv .tools
	@.tools/bin/python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

.tools/stamp-venv: .tools/stamp-uv-$(UV_VERSION) requirements/dev.txt pyproject.toml
	@echo "setting up Python packages (up to a minute the first time) …"
	@[ -x $(BIN)/python ] || $(UV) venv -q --python .tools/bin/python .venv
	@$(UV) pip sync -q --python $(BIN)/python requirements/dev.txt
	@$(UV) pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

.tools/stamp-engine: .tools/stamp-venv $(wildcard infra/local/engine/*.py requirements/ministack.txt requirements/node.txt)
	@$(AFTERSALES) engine install
	@touch $@

.tools/stamp-train: requirements/train.in
	@echo "setting up what models are trained with (some minutes) …"
	@[ -x .tools/train/bin/python ] || $(PYTHON) -m venv .tools/train
	@.tools/train/bin/python -m pip install -q --disable-pip-version-check -r requirements/train.in
	@touch $@
