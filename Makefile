# The commands of the project. `make help` lists them.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
INSTALLED := $(VENV)/.installed
RUN ?=

.PHONY: help setup full smoke repro ablations test test-slow mutation lint

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

# Any later installation of kfp puts its own command in place of the project's, which this puts back.
setup: $(INSTALLED) ## make .venv and install what constraints.txt pins, unless that has been done
	@grep -q videmo $(BIN)/kfp || $(PIP) --no-deps --no-build-isolation --force-reinstall --editable .

full: setup ## train, evaluate and register with the default parameters; options of `kfp run` in RUN="..."
	$(BIN)/kfp run pipelines/full.py $(RUN)

smoke: setup ## the whole pipeline at its smallest, in a minute and a half
	$(BIN)/kfp run pipelines/full.py --params params/smoke.yaml $(RUN)

repro: setup ## the same stages through DVC
	PATH="$(CURDIR)/$(BIN):$$PATH" dvc repro $(RUN)

ablations: setup ## what each part of the method adds: every setting with three seeds, an hour and a half; goes on where it was
	$(BIN)/python -m benchmarks.ablations --set data.people=240 --set data.test_share=0.3334 $(RUN)

test: setup ## run the tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --no-loadscope-reorder

test-slow: setup ## run the tests that take minutes each
	$(BIN)/python -m pytest -m slow

mutation: setup ## change the code in 300 places, one at a time, and count how often the tests notice; 40 minutes
	$(BIN)/python -m benchmarks.mutation $(RUN)

lint: setup ## check style, types, and which room imports which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo

# torch comes first and alone: on its own it settles on one build, which the others then accept. The pins are complete,
# so that nothing is left to resolve.
$(INSTALLED): constraints.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade pip
	$(PIP) $$(grep '^torch==' constraints.txt)
	$(PIP) --no-deps --requirement constraints.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@
