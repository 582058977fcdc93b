# Everything a fresh machine needs is made here: `make demo` and `make test` are the only two commands to know.
# Python packages go into .venv; servers that only the tests need (Redis, PostgreSQL, Postfix, Chromium) come from Debian.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ONCE ?=
QUICK ?=

.DEFAULT_GOAL := help
.PHONY: help demo test lint unit format translations bench accuracy consent-scale import-scale journey fuzz services clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml
	@PYTHON='$(PYTHON)' VENV='$(VENV)' sh .ci/venv
	@touch $@

demo: $(STAMP) ## sample mails of eight vendors through the gate, before and after in the browser; ONCE=1 ends by itself
	@$(BIN)/smtp-gate demo $(if $(ONCE),--once) --page build/demo.html --evidence build/evidence/demo.json

test: $(STAMP) services lint unit ## all checks and tests

lint: $(STAMP) ## format, lint, types
	@echo "--- format: one style, no discussion" && $(BIN)/ruff format --check .
	@echo "--- lint: nearly every rule of ruff" && $(BIN)/ruff check .
	@echo "--- types: mypy strict" && $(BIN)/mypy

unit: $(STAMP) ## the tests alone
	@echo "--- tests: behaviour, invariants, real servers" && $(BIN)/python -m pytest -n 2 --dist loadgroup

format: $(STAMP) ## bring the code into form
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

translations: $(STAMP) ## new and changed sentences into smtp_gate/locale/*.po, to be translated there
	@mkdir -p build && $(BIN)/pybabel -q extract -F babel.cfg --no-location --omit-header -o build/messages.pot .
	@for po in smtp_gate/locale/*.po; do \
	    $(BIN)/pybabel update -i build/messages.pot -o $$po -l $$(basename $$po .po) \
	        --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date -w 100 || exit; done

bench: $(STAMP) services ## rates beside Postfix and a naive proxy, as ratios of one run; QUICK=1 for a short one
	@$(BIN)/python bench/run.py $(if $(QUICK),--quick)

accuracy: $(STAMP) ## what is found and what is changed on a corpus of real mails; QUICK=1 for a short one
	@$(BIN)/python bench/accuracy/run.py $(if $(QUICK),--quick)

consent-scale: $(STAMP) services ## consent of up to ten million people in Redis and SQLite: size, rates, loading; QUICK=1: 100 thousand
	@$(BIN)/python bench/consent_scale/run.py $(if $(QUICK),--quick)
	@$(BIN)/python bench/consent_scale/ledger.py $(if $(QUICK),--quick)

import-scale: $(STAMP) ## a million people imported from CSV and JSON lines; QUICK=1 for a short one
	@$(BIN)/python -m bench.imports $(if $(QUICK),--quick)

journey: $(STAMP) services ## asked, tracked, withdrawn: one person's story in a browser, and how fast it holds everywhere; QUICK=1
	@$(BIN)/python bench/journey/run.py $(if $(QUICK),--quick)

fuzz: $(STAMP) ## looks for bytes that break the core, 20 minutes a target; QUICK=1: 20 seconds
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[fuzz]'
	@$(BIN)/python -m tests.fuzz.run --seconds $(if $(QUICK),20,1200)

services: ## servers that tests need, from Debian's packages
	@sh .ci/services

clean: ## remove what was built
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache
