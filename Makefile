# Python 3.11 or newer and make are all that a machine must have. Every target sets itself up, into .venv and .engine.
PYTHON = .venv/bin/python
STACK = mixtral-tgi-gke-l4
FIND_ENGINE = echo "==> Looking for the Pulumi CLI" && $(PYTHON) -m engine

.PHONY: help rehearse pictures reference upgrade-states package test test-finetune test-cluster test-host test-stress test-languages schema lint bench engine control-plane clean venv-cli venv-dev

help:
	@echo "make rehearse       bring the stack $(STACK) up on simulated clouds: no account, no cost (STACK=... for another)"
	@echo "make test           all tests that need no control plane"
	@echo "make test-finetune  types and tests of the fine-tune, on the CPU; installs 3 GB the first time"
	@echo "make pictures       draw docs/pictures anew"
	@echo "make reference      write docs/api from the docstrings"
	@echo "make package        build the Python package into dist"
	@echo "make upgrade-states record what this version makes, when it is released"
	@echo "make lint           formatting, lint and types"
	@echo "make bench          what this project itself takes: rehearsals against the floor, checks, diffs, requests"
	@echo "make engine         find the Pulumi CLI, or install or build it"
	@echo "make control-plane  build a Kubernetes control plane, 7 minutes the first time"
	@echo "make test-cluster   the tests that need it"
	@echo "make test-host      the tests that need Debian's or Ubuntu's cloud-init, which is unpacked into .engine"
	@echo "make test-stress    kills and faults at all steps, of which make test takes a third and half: half an hour"
	@echo "make test-languages runs the programs in YAML and TypeScript, and compiles the SDK for Go"
	@echo "make schema         write the schema of the Pulumi package (RELEASE=release when it is published)"
	@echo "make clean          remove all that these made, rehearsed stacks included"

rehearse: engine
	@echo "==> Rehearsing the stack $(STACK): nothing is created in any cloud"
	@$(PYTHON) -m cli rehearse up $(STACK)

test: venv-dev
	@$(FIND_ENGINE)
	@echo "==> Running the tests"
	@$(PYTHON) -m pytest

pictures: engine
	@echo "==> Drawing docs/pictures"
	@for file in Pulumi.*.yaml; do \
	  stack=$${file#Pulumi.}; stack=$${stack%.yaml}; \
	  $(PYTHON) -m cli graph "$$stack" --output "docs/pictures/$$stack.svg" || exit; \
	done

reference: venv-dev
	@echo "==> Writing docs/api"
	@$(PYTHON) -m package.reference

package: venv-dev
	@echo "==> Building the Python package"
	@rm -rf package/python/build
	@$(PYTHON) -m pip wheel --no-build-isolation --no-deps --wheel-dir dist ./package/python

upgrade-states: venv-dev
	@$(FIND_ENGINE)
	@echo "==> Recording the state of every stack"
	@$(PYTHON) -m tests.upgrades.states

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

test-stress: venv-dev
	@$(FIND_ENGINE)
	@echo "==> Killing and failing at all steps of all stacks"
	@$(PYTHON) -m pytest -m "not cluster" tests/stress

test-languages: venv-dev
	@$(FIND_ENGINE)
	@echo "==> Looking for other languages"
	@$(PYTHON) -m engine languages
	@echo "==> Running the tests that need them"
	@$(PYTHON) -m pytest -n 0 -m languages tests/package/plugin

schema: venv-dev
	@echo "==> Writing the schema of the Pulumi package"
	@$(PYTHON) -m package.plugin.schema_files $(RELEASE)

test-finetune:
	@scripts/venv.sh finetune
	@echo "==> Testing the fine-tune"
	@.venv-finetune/bin/python -m pyright -p tests/finetune --pythonpath .venv-finetune/bin/python
	@HF_HOME=.venv-finetune/huggingface OMP_NUM_THREADS=1 .venv-finetune/bin/python -m pytest -o addopts= --import-mode=importlib -q tests/finetune

clean:
	rm -rf .venv .venv-finetune package/plugin/.venv .engine .rehearsal .pytest_cache .ruff_cache .hypothesis build dist *.egg-info package/python/build package/python/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

venv-cli:
	@scripts/venv.sh cli

venv-dev:
	@scripts/venv.sh dev
