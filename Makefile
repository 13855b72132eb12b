# One entry point: `make help` lists everything. Every target does its own set-up.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV   := .venv
PYTHON := $(VENV)/bin/python
# The stamp says that .venv holds what setup.cfg asks for, for this very folder. It is not believed
# if the folder was moved, or if the Python below it is gone.
STAMP  := $(VENV)/.installed
ifneq ($(shell test -e $(STAMP) && cat $(STAMP) && $(PYTHON) -c 'print("runs")' 2>/dev/null),$(CURDIR) runs)
$(shell rm -f $(STAMP))
endif

# How many tests run side by side; `make test WORKERS=0` runs them in one process.
WORKERS ?= 3
# What pytest is asked for beyond the defaults: `make test ARGS="tests/protocol -k proof"`.
ARGS ?=

PRODUCT := foundation protocol schemas index_service agency_connector
CODE    := $(PRODUCT) tests deploy benchmarks

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(STAMP) ## start an index and five agencies, check names, show the pages (ONCE=1: end by itself)
	@$(PYTHON) -m deploy.demo

.PHONY: test
test: prerequisites ## lint, then run every test on SQLite and PostgreSQL
	@$(MAKE) lint
	@$(PYTHON) -m pytest -n $(WORKERS) $(ARGS)

.PHONY: test-all-pythons
test-all-pythons: prerequisites ## run the tests on each of Python 3.11, 3.12 and 3.13 that is here
	@passed=; failed=; for version in 3.11 3.12 3.13; do \
	    if python=$$(deploy/prerequisites --python $$version); then \
	        echo "== Python $$version: $$python"; \
	        if $(MAKE) .venv-$$version/.installed && \
	            .venv-$$version/bin/python -m pytest -n $(WORKERS) $(ARGS); \
	        then passed="$$passed $$version"; else failed="$$failed $$version"; fi; \
	    else \
	        echo "== Python $$version: not on this machine"; \
	    fi; \
	done; echo "== passed:$${passed:- none}; failed:$${failed:- none}"; \
	test -n "$$passed" -a -z "$$failed"

.PHONY: lint
lint: $(STAMP) ## ruff, mypy --strict and the import contract
	@$(PYTHON) -m ruff check --quiet $(wildcard $(CODE))
	@$(PYTHON) -m ruff format --check --quiet $(wildcard $(CODE)) || \
	    { echo 'some files are not formatted; run: make format' >&2; exit 1; }
	@$(PYTHON) -m mypy --no-error-summary
	@$(VENV)/bin/lint-imports --no-logo

.PHONY: format
format: $(STAMP) ## format the code, and mend what ruff can mend safely
	@$(PYTHON) -m ruff check --fix --quiet $(wildcard $(CODE))
	@$(PYTHON) -m ruff format $(wildcard $(CODE))

.PHONY: bench
bench: $(STAMP) ## measure what the documents state, and print the figures
	@$(PYTHON) -m benchmarks

.PHONY: breach-drill
breach-drill: prerequisites $(STAMP) ## steal everything from a published sample, attack it, search it for canaries
	@$(PYTHON) -m benchmarks.breach_drill $(ARGS)

.PHONY: soak
soak: prerequisites $(STAMP) ## kill, stop and cut everything at random, for long (ROUNDS=10)
	@$(PYTHON) -m benchmarks.soak $(if $(ROUNDS),--rounds $(ROUNDS))

.PHONY: schemas
schemas: $(STAMP) ## generate JSON Schema and OpenAPI anew from the typed messages
	@$(PYTHON) -m schemas.generate

.PHONY: screenshots
screenshots: $(STAMP) ## take the pictures of the guides anew, from the demo's pages (into docs/pictures)
	@deploy/prerequisites browser
	@$(PYTHON) -m deploy.demo.pictures

.PHONY: styles
styles: ## compile the pages' style sheet anew (needs Node.js; nothing else does)
	@deploy/styles

.PHONY: clean
clean: ## remove what the other targets made
	rm -rf .venv .venv-* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache \
	    *.egg-info build dist demo-state
	find $(wildcard $(CODE)) -name __pycache__ -type d -prune -exec rm -rf {} +

# Below: set-up, done by the targets above when they need it.

# Comes before the virtual environment, so that whoever lacks several things is told of all at once.
.PHONY: prerequisites
prerequisites:
	@deploy/prerequisites

$(STAMP): setup.cfg
	@deploy/prerequisites python
	@deploy/prerequisites-venv $(VENV) "$$(deploy/prerequisites --python)"

.venv-%/.installed: setup.cfg
	@deploy/prerequisites-venv .venv-$* "$$(deploy/prerequisites --python $*)"
