# The two commands are `make up` and `make test`; both set up everything they need and may be repeated.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LOCK_ID := $(shell cat requirements.lock | cksum | cut -d' ' -f1)

# Tests wait for processes more than they compute: a worker for each processor, four at most. A machine that is busy with
# real browsers and bots fails now and then: what failed (not a run that broke) is shown, then tried once more by itself,
# and must pass.
WORKERS ?= logical
AGAIN = { [ $$? -eq 1 ] || exit 1; echo; echo "FAILED ABOVE: tried once more, alone"; \
  $(BIN)/python -m pytest --last-failed --last-failed-no-failures none; }

.PHONY: up test bench check setup lock clean
up: setup
	@$(BIN)/workbench up $(ARGS)

test: setup
	@$(BIN)/python -m tests.support.needs
	@$(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 4 $(ARGS) || $(AGAIN)
	@$(BIN)/python -m pytest --nbval-lax notebooks

bench: setup
	@$(BIN)/workbench bench --all $(ARGS)

check: setup
	@$(BIN)/ruff format workbench tests scripts
	@$(BIN)/ruff check --fix workbench tests scripts
	@$(BIN)/mypy

setup: $(STAMP)-$(LOCK_ID)

$(STAMP)-$(LOCK_ID): requirements.lock pyproject.toml
	@echo "setting up $(VENV) from requirements.lock (a few minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --python $(BIN)/python --require-hashes --compile-bytecode -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@rm -f $(STAMP)-* && touch $@

lock:
	@$(BIN)/uv pip compile pyproject.toml --extra test --extra check --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate -o requirements.lock

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache
