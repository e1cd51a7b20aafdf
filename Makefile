# The two commands: `make run` and `make test`. Everything else is a convenience.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed-$(shell cat requirements.lock pyproject.toml | sha256sum | cut -c1-16)

export HF_HUB_OFFLINE := 1
export DS_BUILD_OPS   := 0

# The local stand: where its files lie, and the first of its ten ports (left out: as it was made).
STACK ?= .stack
PORT  ?=

.PHONY: stack stack-status stack-env stack-down stack-delete
.PHONY: run study test lint repro lock-data pipelines k8s-tools k8s-server k8s-check images images-requirements \
    images-check vllm-tools vllm-check environment lock clean
run: environment            ## the embedded experiment on one seed
	$(BIN)/msm run recipes/cheese.yaml

study: environment          ## the same on three seeds, with the shuffled control
	$(BIN)/msm run recipes/cheese-study.yaml

test: environment k8s-tools lint  ## lint, types and all tests
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: environment
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

repro: environment          ## the embedded experiment as DVC stages
	PATH="$(CURDIR)/$(BIN):$$PATH" dvc repro

# Of a clean commit: the lock says which stages and recipe its data are of.
lock-data: environment      ## run the embedded experiment anew, and lock and push its data
	@test -z "$$(git status --porcelain --untracked-files=no)" || \
	    { echo "commit your changes first: records name the commit"; exit 2; }
	rm -rf outputs/cheese dvc.lock
	$(BIN)/msm run recipes/cheese.yaml
	PATH="$(CURDIR)/$(BIN):$$PATH" dvc repro
	$(BIN)/dvc push
	@echo "now:  git add dvc.lock && git commit"

pipelines: environment      ## compile the KFP pipelines of the recipes again
	$(BIN)/msm pipeline compile recipes/*.yaml
	$(BIN)/python -m components.readme

k8s-tools:                  ## kubectl, checkov and the like, in an environment of their own
	PYTHON=$(PYTHON) scripts/k8s-tools

k8s-server:                 ## a kube-apiserver and etcd for the tests; minutes, once; Debian, root
	scripts/kube-apiserver

k8s-check: environment k8s-tools ## build and check everything below k8s/
	$(BIN)/python -m pytest -m manifests tests/test_manifests*.py

stack: environment          ## PostgreSQL, S3 and MLflow on this machine; docs/stand.md
	$(BIN)/python -m stack --folder $(STACK) up $(if $(PORT),--port $(PORT))

stack-status: environment   ## how each service of the stand is
	$(BIN)/python -m stack --folder $(STACK) status

stack-env: environment      ## for eval: makes a shell use the stand
	@$(BIN)/python -m stack --folder $(STACK) environment

stack-down: environment     ## end the stand's services; their data stay
	$(BIN)/python -m stack --folder $(STACK) down

stack-delete: environment   ## end them and remove their data and secrets
	$(BIN)/python -m stack --folder $(STACK) delete

# BASE: another base image than the Dockerfile's. BUILD: further options of `podman build`.
images: environment         ## build the image msm-cpu from the commit that is checked out
	$(BIN)/python -m components.images.build cpu $(if $(BASE),--base $(BASE)) -- $(BUILD)

images-requirements: environment ## what the images install, from the lock file; CUDA and vLLM by uv
	scripts/image-requirements

images-check: environment   ## run every stage in its container, with the image of `make images`
	$(BIN)/python -m pytest -m images tests/test_containers.py

vllm-tools:                 ## vLLM on a CPU, 3.5 GB in an environment of its own
	PYTHON=$(PYTHON) scripts/vllm-cpu

vllm-check: environment vllm-tools ## load what msm exports in vLLM itself, and put a suite to it
	$(BIN)/python -m pytest -m vllm tests/test_vllm.py

environment: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	PYTHON=$(PYTHON) scripts/environment $(VENV)
	rm -f $(VENV)/.installed-* && touch $@

lock:                       ## resolve requirements.lock again (needs uv)
	scripts/lock

clean:
	rm -rf $(VENV) outputs
