# GNU make. Everything is installed into .venv, except what tests/tools/install.sh keeps in ~/.cache.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

# The locks hold for these; images have the first. The first of them that is there is taken, unless one is named.
PYTHONS := 3.11 3.12 3.13
PYTHON ?=
PROMETHEUS ?= yes
# Commands name no folder above this one: its path may hold blanks, quotes and the like, which Bash would take apart. On
# the PATH a colon ends a folder, so there a path with one cannot be said at all.
ifneq (,$(findstring :,$(CURDIR)))
$(error A folder with a colon in its path cannot be on the PATH: rename or move $(CURDIR))
endif
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
MODEL := api/data/model/model.json
TRAINING := api/train_model.py $(wildcard api/training/*.py api/app/*.py api/data/*.csv)
LOCK := uv pip compile -q --upgrade --generate-hashes --universal --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

.PHONY: help setup train run test lint cluster e2e up down bench bench-peers lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/test.stamp .venv/node.stamp .venv/prometheus.stamp .venv/alertmanager.stamp .venv/kustomize.stamp .venv/chromium.stamp ## Install everything that the targets below need

train: .venv/train.stamp ## Train the model, check it, write api/data/model/
	$(BIN)/python api/train_model.py

run: .venv/test.stamp $(if $(filter no,$(PROMETHEUS)),,.venv/prometheus.stamp) $(MODEL) ## Serve, load and watch (PORT=... moves the API, PROMETHEUS=no leaves Prometheus out)
	@PYTHONPATH=api $(BIN)/python -m loadtester.local

test: lint $(MODEL) .venv/kustomize.stamp .venv/chromium.stamp ## Check style and types, run all tests
	$(BIN)/pytest -n $$((3 * $$(getconf _NPROCESSORS_ONLN))) -m "not alone" --durations=10
	$(BIN)/pytest -m alone --durations=10 || [ $$? -eq 5 ]  # where PYTEST_ADDOPTS names tests of which none is

lint: .venv/test.stamp .venv/prometheus.stamp .venv/alertmanager.stamp .venv/node.stamp ## Check style, types and configuration only
	@case $$PWD in *[][]*) echo "lint: ruff takes brackets for a pattern: rename or move $$PWD" >&2; exit 2;; esac
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .github/scripts api docs/pictures loadtester prometheus tests
	$(BIN)/shellcheck -xa .ci/* */*.sh tests/tools/*.sh tests/e2e/github/bin/* tests/cluster/cluster tests/cluster/images/*/*.sh
	$(BIN)/hadolint */Dockerfile manifest/grafana/Dockerfile manifest/components/*/Dockerfile tests/cluster/images/*/Dockerfile
	$(BIN)/yamllint -s .
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec loadtester/docker-compose.yaml
	$(BIN)/actionlint
	$(BIN)/zizmor -q --offline --persona auditor .github
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions tests/e2e/github/actions/*/action.yml
	promtool check config --lint=all prometheus/prometheus.yaml
	promtool check rules --lint=all prometheus/rules/rollout/rollout.yaml
	promtool test rules prometheus/tests/*_test.yaml
	amtool check-config manifest/components/alerting/alertmanager.yaml
	node tests/node/dashboards.mjs
	tests/node/node_modules/.bin/tsc -p tests/node/page.json

cluster: ## Start a cluster for the tests on a Debian machine (root; an hour once, then a minute)
	tests/cluster/cluster up

e2e: .venv/test.stamp ## Test the whole way on the cluster that KUBECONFIG names, else on that of `make cluster`
	@if [ -z "$${KUBECONFIG:-}" ]; then settings=$$(tests/cluster/cluster env) || exit; eval "$$settings"; fi; \
	  $(BIN)/pytest -rP tests/e2e

up: ## Start Minikube, build the images into it, install Argo CD, print the addresses
	manifest/minikube.sh up

down: ## Stop Minikube
	manifest/minikube.sh down

bench: .venv/test.stamp .venv/chromium.stamp $(MODEL) ## Measure speed beside bare uvicorn and FastAPI, then what a pod takes (10 minutes, needs wrk)
	cd api && PYTHONPATH=.:../tests ../$(BIN)/python -m bench.run
	cd api && PYTHONPATH=.:../tests exec ../$(BIN)/python -m bench.capacity

bench-peers: .venv/test.stamp $(MODEL) ## Measure beside MLflow, BentoML, MLServer and LitServe (10 minutes, installs 1.7 GB, needs wrk)
	cd api && PYTHONPATH=.:../tests exec ../$(BIN)/python -m bench.peers

lock: .venv/test.stamp ## Lock the newest versions that requirements*.in allow
	cd api && $(LOCK) requirements.in -o requirements.txt
	cd api && $(LOCK) requirements-sklearn.in -o requirements-sklearn.txt
	cd api && $(LOCK) requirements-train.in -o requirements-train.txt
	cd loadtester && $(LOCK) requirements.in -o requirements.txt
	cd prometheus && $(LOCK) requirements.in -o requirements.txt
	cd tests && $(LOCK) requirements.in -o requirements.txt
	cd tests/bench/peers && for peer in mlflow bentoml mlserver litserve; do $(LOCK) $$peer.in -o $$peer.txt; done
	cd tests/estimators && $(LOCK) boosters.in -o boosters.txt
	cd tests/tools && $(LOCK) requirements.in -o requirements.txt
	cd tests/tools && $(LOCK) uv.in -o uv.txt

clean: ## Remove .venv, the model and caches
	git clean -qfdX

.venv/train.stamp: api/requirements-train.txt
.venv/test.stamp: tests/requirements.txt
.venv/train.stamp .venv/test.stamp: | .venv/bin/pip
	@echo "Installing $< into .venv"
	@tests/tools/packages.sh $< .venv
	@touch $@

.venv/bin/pip:
	@for python in $(or $(PYTHON),$(PYTHONS:%=python%) python3); do \
	  version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue; \
	  case " $(PYTHONS) " in *" $$version "*) exec $$python -m venv .venv;; esac; \
	  found="$${found:-}$$python is $$version, "; \
	done; \
	echo "Python: $${found:-nothing found, }needed is one of $(PYTHONS): install it, or set PYTHON=" >&2; exit 1

.venv/node.stamp: tests/node/package-lock.json | .venv/test.stamp
	@cd tests/node && npm ci --silent --ignore-scripts --no-audit --no-fund
	@touch $@

.venv/prometheus.stamp .venv/alertmanager.stamp .venv/kustomize.stamp .venv/chromium.stamp: .venv/%.stamp: tests/tools/install.sh | .venv/test.stamp
	@tests/tools/install.sh $* .venv/bin
	@touch $@

$(MODEL): $(TRAINING) | .venv/train.stamp
	$(BIN)/python api/train_model.py
