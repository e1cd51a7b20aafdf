# The two commands: `make run` and `make test`. Everything else is a convenience.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed-$(shell cat requirements.lock pyproject.toml | sha256sum | cut -c1-16)

export HF_HUB_OFFLINE := 1
export DS_BUILD_OPS   := 0

.PHONY: run study test lint repro pipelines environment lock clean
run: environment            ## the embedded experiment on one seed
	$(BIN)/msm run recipes/cheese.yaml

study: environment          ## the same on three seeds, with the shuffled control
	$(BIN)/msm run recipes/cheese-study.yaml

test: environment lint      ## lint, types and all tests
	$(BIN)/python -m pytest -n 2

lint: environment
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

repro: environment          ## the embedded experiment as DVC stages
	PATH="$(CURDIR)/$(BIN):$$PATH" dvc repro

pipelines: environment      ## compile the KFP pipelines of the recipes again
	$(BIN)/msm pipeline compile recipes/*.yaml
	$(BIN)/python -m components.readme

environment: $(STAMP)

# --no-deps: the lock file is complete, so pip has nothing to resolve.
$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	rm -f $(VENV)/.installed-* && touch $@

lock:                       ## resolve requirements.lock again (needs uv)
	scripts/lock

clean:
	rm -rf $(VENV) outputs
