# `make help` lists what there is.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/'

$(VENV)/.installed: requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

install: $(VENV)/.installed  ## install everything into .venv

lock:  ## pin all dependencies with hashes
	uv pip compile -q --generate-hashes --python-version 3.11 --universal pyproject.toml -o requirements/runtime.txt --custom-compile-command "make lock"
	uv pip compile -q --generate-hashes --python-version 3.11 --universal pyproject.toml --group dev -o requirements/dev.txt --custom-compile-command "make lock"

.PHONY: help install lock
