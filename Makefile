# Everything a newcomer types. On a machine with git, python3 (3.11 or newer) and make, each target sets itself up.
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
INSTALL := $(UV) pip install -q --python $(BIN)/python
STAMPS := .venv/stamps
WORKERS ?= auto
PYTEST_ARGS ?=
unexport VIRTUAL_ENV

.PHONY: help setup run test check format docs lock bench fuzz crash chaos sbom audit-packages clean

help:
	@echo "make run     start the web pages with a demo household on http://localhost:8000"
	@echo "make test    run the whole suite"
	@echo "make check   format, lint, types, import contracts, secrets that strayed in"
	@echo "make bench   print the tables of speed and size (make bench ONLY=planning for one file)"
	@echo "make fuzz    feed the readers broken files"
	@echo "make crash   kill the database again and again, count lost rows and lost postings"
	@echo "make chaos   let a town of 200 households live for 90 days, kill its processes 300 times, judge it (about an hour)"
	@echo "make format  put the code into the house's format"
	@echo "make docs    write docs/REFERENCE.md, docs/ROLES.md and the outputs in the README"
	@echo "make lock    renew requirements/"
	@echo "make sbom    write the list of parts to build/sbom.cdx.json"
	@echo "make audit-packages  ask what is known against our packages"

setup: $(STAMPS)/package

$(UV): requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Anhuan needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
	  || { echo "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $(UV)

$(STAMPS)/packages: $(UV) requirements/dev.txt
	@echo "Fetching packages ..."
	@$(UV) pip sync -q --python $(BIN)/python --require-hashes requirements/dev.txt
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/package: $(STAMPS)/packages pyproject.toml hatch_build.py package.json package-lock.json
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

run: setup
	@$(BIN)/anhuan serve --demo

test: setup
	@$(BIN)/pytest -n $(WORKERS) --maxprocesses 4 $(PYTEST_ARGS)

check: setup
	@$(BIN)/ruff format --check -q .
	@$(BIN)/ruff check -q .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m supply.strays

format: setup
	@$(BIN)/ruff format -q .
	@$(BIN)/ruff check -q --fix .

docs: setup
	@$(BIN)/python docs/reference.py
	@$(BIN)/python docs/attacks.py
	@$(BIN)/python docs/roles.py
	@$(BIN)/python docs/console.py

bench: setup
	@$(BIN)/python -m bench $(ONLY)

fuzz: setup
	@for file in bench/fuzz_*.py; do $(BIN)/python -m bench.$$(basename $$file .py) || exit 1; done

crash: setup
	@$(BIN)/python -m bench.crash
	@$(BIN)/python -m bench.crash_ledger

CHAOS ?= --households 200 --days 90 --seed 20261122 --faults all --kills 300
chaos: setup
	@$(BIN)/anhuan simulate $(CHAOS)

sbom: setup
	@$(BIN)/python -m supply.parts

audit-packages: setup
	@$(BIN)/python -m supply.advisories

# Lock files name packages and hashes alone: no index, no link, no host.
COMPILE := $(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock"
lock: $(UV)
	@$(COMPILE) pyproject.toml -o requirements/core.txt
	@$(COMPILE) pyproject.toml requirements/dev.in -c requirements/core.txt -o requirements/dev.txt
	@$(COMPILE) requirements/uv.in -o requirements/uv.txt

clean:
	@rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
