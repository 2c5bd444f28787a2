# Everything a contributor types. Needs Python 3.11 or newer, with venv, and make; the rest goes into .venv-VERSION.

PYTHON ?= python3
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')
VENV := .venv-$(VERSION)
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
VENV1 := $(VENV)-datasette1
INSTALLED1 := $(VENV1)/installed
VENV_BENCH := $(VENV)-bench
INSTALLED_BENCH := $(VENV_BENCH)/installed
VENV_FUZZ := $(VENV)-fuzz
INSTALLED_FUZZ := $(VENV_FUZZ)/installed

TICKERS := AAA,ABC,BCD,DEF,GHI,JKL,MNO,MMN,OOP,PQD,XYZ,PDQ

# Tests start thousands of processes that import scrapdb, most of which may not write what they have compiled.
unexport PYTHONDONTWRITEBYTECODE
COMPILED := $(BIN)/python -m compileall -q scrapdb

.DEFAULT_GOAL := help
.PHONY: help demo test suite suite1 lint format docs screenshots bench million proof clean

help:  ## Show this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

demo: $(INSTALLED)  ## Run the example's notebook for twelve tickers, ask, and make a report
	@echo '$$ scrapdb run examples/tickers/source.ipynb -o tickers -p symbol=$(TICKERS)'
	@$(BIN)/scrapdb run examples/tickers/source.ipynb -o tickers -p symbol=$(TICKERS)
	@for question in "distance < 0.1" "distance < 0.1 and close_to_ath"; do \
	  echo; echo "\$$ scrapdb query \"$$question\" -c symbol,distance --sort distance"; \
	  $(BIN)/scrapdb query "$$question" -c symbol,distance --sort distance --format table || exit; \
	done
	@echo; echo '$$ scrapdb report build examples/voltage -p site=east --name "voltage-{site}"'
	@$(BIN)/scrapdb report build examples/voltage -p site=east --name "voltage-{site}"
	@echo; echo "To browse the store: $(BIN)/scrapdb serve --open"
	@echo "The report: $(CURDIR)/reports/voltage-east/report.html"
	@echo "To ask for others on a page: $(BIN)/scrapdb report serve examples"

test: $(INSTALLED) $(INSTALLED1)  ## Run the whole suite, and the plugin's part with Datasette 1.0 too
	@$(COMPILED)
	@$(MAKE) --no-print-directory -j 2 suite suite1

# More at once than there are processors, since many tests wait: for kernels, browsers and clocks.
suite:
	@$(BIN)/python -m pytest -n 4 --dist worksteal

# Beside it; what it prints comes when it has ended.
suite1:
	@mkdir -p .cache
	@$(VENV1)/bin/python -m pytest tests/datasette > .cache/suite1.txt 2>&1; code=$$?; cat .cache/suite1.txt; exit $$code

lint: $(INSTALLED)  ## Check style and types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

format: $(INSTALLED)  ## Format the code and repair what ruff can
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format

docs: $(INSTALLED)  ## Print help, schema and sessions into README and docs again
	@$(BIN)/cog -r README.md docs/*.md

screenshots: $(INSTALLED)  ## Take the pictures in docs/screenshots again
	@$(BIN)/python -m tests.datasette.screenshots docs/screenshots

bench: $(INSTALLED_BENCH)  ## Measure scrapdb beside its peers and print tables (about half an hour)
	@$(VENV_BENCH)/bin/python -m benchmarks

# The stores stay in .cache/benchmarks, to be asked again; `make clean` removes them.
million: $(INSTALLED_BENCH)  ## Ask stores of a million notebooks (half an hour, and 30 GB of disk)
	@$(VENV_BENCH)/bin/python -m benchmarks million

proof: $(INSTALLED_FUZZ) $(INSTALLED1)  ## Kill, fill, damage and move stores, and see that nothing is lost (about half an hour; as root)
	@$(COMPILED)
	@$(VENV_FUZZ)/bin/python -m pytest -n 3 --dist worksteal -m slow
	@FRESH_INTERPRETERS=1 $(VENV_FUZZ)/bin/python -m pytest -n 3 --dist worksteal tests/cli tests/test_docs.py tests/test_transcripts.py
	@$(VENV1)/bin/python -m pytest -n 3 --dist worksteal -m slow tests/datasette
	@$(VENV_FUZZ)/bin/python -m proof

clean:  ## Remove environments, caches and the demo's files
	rm -rf .venv-* .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache tickers reports scraps.db*

$(INSTALLED): pyproject.toml
	@echo "Making the environment $(VENV) (Python $(VERSION)) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "scrapdb needs Python 3.11 or newer; try: make PYTHON=python3.13")'
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -qq --upgrade "pip>=25.1"
	@echo "Installing scrapdb and what its example, tests and checks need (about a minute) ..."
	@$(BIN)/python -m pip install -qq --group dev --editable .
	@touch $@

# An environment beside it, of the dependency group that its name ends with.
$(VENV)-%/installed: $(INSTALLED)
	@echo "Making the environment $(@D) ..."
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install -qq --upgrade "pip>=25.1"
	@$(@D)/bin/python -m pip install -qq --group $* --editable .
	@touch $@
