# `make help` lists what there is. Nothing is needed but Python, git and make: node comes from a Python package.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
# What some tests need beyond Python; without root they are skipped and say so.
DEBIAN := ceph-mon ceph-osd radosgw ceph-common uuid-runtime golang-go golang-golang-x-mod-dev openssl age poppler-utils chromium fonts-noto-cjk wrk

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

install: $(VENV)/.installed node_modules/.installed  ## install everything into .venv and node_modules

demo: install  ## play one whole trade and serve it (ARGS="--out DIR --exit")
	@exec $(BIN)/ggzy demo $(ARGS)

serve: install  ## run the platform
	@exec $(BIN)/ggzy serve $(ARGS)

test: install debian  ## run all tests
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --benchmark-disable $(ARGS)

check: install  ## format, lint, types (of the scripts too), import contracts, migration drift, house rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/node node_modules/typescript/bin/tsc --project jsconfig.json
	$(BIN)/lint-imports
	$(BIN)/pytest tests/test_house.py tests/api/test_schema.py

bench: install debian  ## measure; results go to docs/benchmarks/*.json
	$(BIN)/pytest -m bench -s tests/benchmarks $(ARGS)
	$(BIN)/python tests/benchmarks/page.py

soak: install debian  ## long load, soak and fault runs
	$(BIN)/pytest -m soak -s $(ARGS)

lock:  ## pin all dependencies with hashes (needs uv and npm; installing does not need uv)
	uv pip compile -q --generate-hashes --python-version 3.11 --universal pyproject.toml -o requirements/runtime.txt --custom-compile-command "make lock"
	uv pip compile -q --generate-hashes --python-version 3.11 --universal pyproject.toml --group dev -o requirements/dev.txt --custom-compile-command "make lock"
	$(BIN)/npm install --package-lock-only

clean:  ## remove what was installed and built here; data in var/ stays
	rm -rf $(VENV) node_modules build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .benchmarks .hypothesis

python:
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "需要 Python 3.11 或更高版本（Python 3.11 or newer is needed）；也可用 make PYTHON=/path/to/python3 指定。" >&2; exit 1; }

$(VENV)/.installed: requirements/dev.txt pyproject.toml | python
	@$(PYTHON) -m venv $(VENV) || { $(call apt,python3-venv) && $(PYTHON) -m venv $(VENV); } \
		|| { echo "无法建立虚拟环境，请先安装：apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

node_modules/.installed: package-lock.json | $(VENV)/.installed
	$(BIN)/npm ci --silent
	@touch $@

debian:
	@missing=$$(for name in $(DEBIAN); do dpkg -s $$name >/dev/null 2>&1 || echo $$name; done); \
	test -z "$$missing" || { $(call apt,$$missing); } \
		|| echo "有些测试将被跳过；要运行它们：apt-get install $$missing" >&2

# Install Debian packages as root or by passwordless sudo; fails where neither is to be had.
define apt
command -v apt-get >/dev/null && { test "$$(id -u)" = 0 && sudo= || { sudo -n true 2>/dev/null && sudo="sudo -n"; }; } \
	&& { $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(1) >/dev/null 2>&1 \
	|| { $$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(1) >/dev/null; }; }
endef

.PHONY: help install demo serve test check bench soak lock clean python debian
