# Python 3.11 or newer and make are all that a machine must have. Every target sets itself up, into .venv and .engine.
PYTHON = .venv/bin/python
STACK = mixtral-tgi-gke-l4
FIND_ENGINE = echo "==> Looking for the Pulumi CLI" && $(PYTHON) -m engine

.PHONY: help rehearse test test-finetune test-cluster test-host lint bench engine control-plane clean venv-cli venv-dev

help:
	@echo "make rehearse       bring the stack $(STACK) up on simulated clouds: no account, no cost (STACK=... for another)"
	@echo "make test           all tests that need no control plane"
	@echo "make test-finetune  types and tests of the fine-tune, on the CPU; installs 3 GB the first time"
	@echo "make lint           formatting, lint and types"
	@echo "make bench          time and memory of a rehearsal, against the floor"
	@echo "make engine         find the Pulumi CLI, or install or build it"
	@echo "make control-plane  build a Kubernetes control plane, 7 minutes the first time"
	@echo "make test-cluster   the tests that need it"
	@echo "make test-host      the tests that need Debian's or Ubuntu's cloud-init, which is unpacked into .engine"
	@echo "make clean          remove all that these made, rehearsed stacks included"

rehearse: engine
	@echo "==> Rehearsing the stack $(STACK): nothing is created in any cloud"
	@$(PYTHON) -m cli rehearse up $(STACK)

test: venv-dev
	@$(FIND_ENGINE)
	@echo "==> Running the tests"
	@$(PYTHON) -m pytest

lint: venv-dev
	@echo "==> ruff"
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@echo "==> pyright"
	@$(PYTHON) -m pyright
	@echo "==> actionlint"
	@actionlint=$$($(PYTHON) -m engine actionlint) && "$$actionlint" -shellcheck .venv/bin/shellcheck
	@echo "==> shellcheck"
	@.venv/bin/shellcheck --external-sources .ci/run scripts/*.sh $$(find workloads -name "*.sh")

bench: engine
	@echo "==> Measuring rehearsals"
	@$(PYTHON) -m bench

engine: venv-cli
	@$(FIND_ENGINE)

control-plane: venv-cli
	@echo "==> Looking for the Kubernetes control plane"
	@$(PYTHON) -m engine control-plane

test-cluster: venv-dev control-plane
	@$(FIND_ENGINE)
	@echo "==> Running the tests that need a control plane"
	@$(PYTHON) -m pytest -n 0 -m cluster

test-host: venv-dev
	@scripts/host-tools.sh
	@echo "==> Running the tests that need cloud-init and growpart"
	@$(PYTHON) -m pytest -n 0 -m host

test-finetune:
	@scripts/venv.sh finetune
	@echo "==> Testing the fine-tune"
	@.venv-finetune/bin/python -m pyright -p tests/finetune --pythonpath .venv-finetune/bin/python
	@OMP_NUM_THREADS=1 .venv-finetune/bin/python -m pytest -o addopts= --import-mode=importlib -q tests/finetune

clean:
	rm -rf .venv .venv-finetune .engine .rehearsal .pytest_cache .ruff_cache .hypothesis build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

venv-cli:
	@scripts/venv.sh cli

venv-dev:
	@scripts/venv.sh dev
