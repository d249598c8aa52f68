# Every target sets up what it needs: a virtual environment in .venv from the hashed lock. The second call is quick.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MEMBERS := core/sdk core/hub plugins/hubspot plugins/google plugins/ai plugins/salesforce plugins/whatsapp
STAMP := $(VENV)/.installed
LEAD ?=
SECONDS ?= 60
JOBS ?= 3
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test check faults fuzz bench format pictures reference lock clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): requirements.lock $(addsuffix /pyproject.toml,$(MEMBERS))
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Revolution Hub needs Python 3.11 or newer; $(PYTHON) is older. Name one with: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Setting up $(VENV) (about a minute, the first time only) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(addprefix -e ,$(MEMBERS))
	@touch $@

setup: $(STAMP) ## Install everything into .venv

demo: $(STAMP) ## Run the main job against local sandboxes: lead, qualification, e-mail, meeting
	@$(BIN)/revolution demo $(if $(LEAD),--lead "$(LEAD)")

serve: $(STAMP) ## Keep the hub running on this machine and print where it listens
	@$(BIN)/revolution serve

test: $(STAMP) ## The gate: every deterministic test, some at a time: make test JOBS=1 for one by one
	@$(PYTEST) -n $(JOBS) --dist loadfile

faults: $(STAMP) ## The evidence that takes longer: processes and servers killed, frozen, cut off; time-outs
	@$(PYTEST) -m faults -s

fuzz: $(STAMP) ## Search for templates that break a promise: make fuzz SECONDS=600; 60 if not given
	@PYTHONPATH=tests $(BIN)/python -m fuzz --seconds $(SECONDS)

bench: $(STAMP) ## Measure; each benchmark prints one JSON object as its last line
	@$(BIN)/python benchmarks/template.py
	@$(BIN)/python benchmarks/webhook.py
	@$(BIN)/python benchmarks/drain.py
	@$(BIN)/python benchmarks/fairness.py
	@$(BIN)/python benchmarks/burst.py
	@$(BIN)/python benchmarks/for_each.py
	@$(BIN)/python benchmarks/steps.py
	@$(BIN)/python benchmarks/safety.py
	@$(BIN)/python benchmarks/memory.py
	@$(BIN)/python benchmarks/growth.py
	@$(BIN)/python benchmarks/access.py
	@$(BIN)/python benchmarks/vault.py

check: $(STAMP) ## Format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(STAMP) ## Format and apply the safe lint repairs
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

pictures: $(STAMP) ## Make the pictures of the documentation anew
	@$(BIN)/python docs/pictures/make.py > /dev/null

reference: $(STAMP) ## Write the filter reference and the workflow schema in docs/ anew
	@$(BIN)/python docs/reference/make.py

lock: ## Write requirements.lock anew (needs uv)
	@uv lock --quiet
	@uv export --quiet --no-header --no-annotate --no-emit-workspace --all-packages --all-groups --all-extras -o requirements.lock

clean: ## Remove the virtual environment and every cache
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
