# `make run` and `make test` are all a newcomer needs; Python 3.11 and nothing else has to be there.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name))))
BIN := .venv/bin

.PHONY: setup run test check evals torture bench soak

setup: .venv/ready

.venv/ready: requirements-dev.lock pyproject.toml
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: install it, or name it with PYTHON=…"; exit 2; }
	@echo "Setting up .venv (once, about a minute) …"
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

run: setup
	@exec $(BIN)/python -m bot serve

# Playwright's synchronous API and pytest-asyncio cannot share a process: the browser tests run on their own.
test: setup
	$(BIN)/python -m pytest --ignore tests/ui
	$(BIN)/python -m pytest tests/ui

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/oms-bot check

# How well the bot understands people, in every language. EVALS="de --misses" shows what went wrong.
evals: setup
	@$(BIN)/python -m evals $(EVALS)

# Nothing lost, nothing twice, while the program is killed again and again. TORTURE="--kills 25 --seed 7", for example.
torture: setup
	PYTHONPATH=.:tests $(BIN)/python -m torture $(TORTURE)

# Speed beside plain bots, and memory over time: bench/README.md. PART is what to run, with its arguments.
PART ?= all
MINUTES ?= 60

bench: setup bench/.venv/ready
	@bench/.venv/bin/python -m bench $(PART)

soak: setup bench/.venv/ready
	@bench/.venv/bin/python -m bench soak $(MINUTES)

bench/.venv/ready: bench/requirements.txt
	@test -x bench/.venv/bin/pip || $(PYTHON) -m venv bench/.venv
	@bench/.venv/bin/pip install --quiet --disable-pip-version-check -r bench/requirements.txt
	@touch $@
