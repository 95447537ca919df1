# The verbs that a person and CI use alike: `make help` lists them.
# A fresh machine needs make and Python 3.11 or newer; the rest goes into .venv, once.

VENV := .venv
# The versions to install: constraints-prefect-3.7.txt and -3.9.txt hold the ends of what is supported.
CONSTRAINTS ?= constraints.txt
BIN  := $(VENV)/bin
CORE := $(VENV)/.core-is-installed
DEV  := $(VENV)/.dev-is-installed

.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-browser check locked schemas docs pictures build faults soak bench release consumers vllm clean
.NOTPARALLEL:

help: ## List what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r verb what; do printf '  make %-13s %s\n' "$$verb" "$$what"; done

demo: $(CORE) ## Invent a corpus, build counterfactual data from it, show a pair
	@$(BIN)/ccf-build demo

test: $(DEV) ## Run the tests: four and a half minutes on two cores
	@$(PYTEST) -m "not slow and not faults"

test-all: $(DEV) ## Run the rest of the tests: long properties, kills, flows, browsers
	@$(PYTEST) -m "slow and not faults"

test-browser: $(DEV) ## Run the tests that need a Chromium, and no others
	@$(PYTEST) -m browser

check: $(DEV) ## Check style, types, import order, spelling and that the docs are current
	@$(BIN)/ruff check --quiet . && echo "✓ ruff check"
	@$(BIN)/ruff format --check --quiet . && echo "✓ ruff format"
	@$(BIN)/mypy --no-error-summary && echo "✓ mypy --strict"
	@$(BIN)/lint-imports >$(VENV)/imports.log 2>&1 && echo "✓ imports run one way" || { cat $(VENV)/imports.log; exit 1; }
	@$(BIN)/codespell $(PROSE) && echo "✓ codespell"
	@$(BIN)/cog --check --verbosity=1 -I . $(PASTED) >$(VENV)/docs.log 2>&1 && echo "✓ docs are current" || { cat $(VENV)/docs.log; echo "hint:  make docs"; exit 1; }

locked: $(DEV) ## Write requirements-locked.txt anew: the hashes of constraints.txt, for pip --require-hashes
	@$(BIN)/python -m uv pip compile constraints.txt --no-deps --generate-hashes --no-header --no-annotate --quiet --output-file requirements-locked.txt

schemas: $(DEV) ## Write schemas/ anew from the records
	@$(BIN)/python -m ccf_pipeline.cli.schemas schemas

docs: $(DEV) ## Paste the commands' help into the docs anew, draw the rooms
	@$(BIN)/python docs/rooms.py
	@$(BIN)/cog -r --verbosity=1 -I . $(PASTED)

pictures: $(DEV) ## Make the README's pictures anew (needs a Chromium)
	@$(BIN)/python docs/pictures.py

build: $(DEV) ## Build the wheel into dist/
	@$(BIN)/python -m build --wheel --no-isolation --outdir dist . >$(VENV)/build.log 2>&1 || { tail -20 $(VENV)/build.log; exit 1; }
	@ls -1 dist/*.whl

faults: $(DEV) ## Break disk, network and processes on purpose and see what survives
	@$(BIN)/python -m pytest -m faults -s

soak: $(DEV) ## Build for an hour (SOAK=minutes) with kills and a full disk, draw memory, files, threads, pace
	@$(BIN)/python -m tests.faults.soak $(or $(SOAK),60) $(or $(SOAK_FOLDER),.soak)

bench: $(DEV) ## Measure
	@for file in bench/*.py; do echo "· $$file"; $(BIN)/python "$$file" || exit 1; done

release: $(DEV) ## Check what is to be released: all that CI runs, then canaries and an attack on a share
	@.ci/run
	@$(BIN)/python -m pytest -m faults tests/test_canaries.py
	@$(BIN)/python bench/share_attack.py --write

consumers: $(DEV) ## Read the data set with every training package, each installed by itself: 10 GB, ten minutes
	@$(BIN)/python tests/consumers/run.py --folder $(or $(CONSUMERS),.consumers)

vllm: $(DEV) ## Ask a real vLLM, as a server and offline, with a tiny model; VLLM_PYTHON names its Python
	@$(BIN)/python bench/vllm_server.py
	@PYTHONPATH=. $(or $(VLLM_PYTHON),$(BIN)/python) bench/vllm_offline.py

clean: ## Remove what can be made anew: caches, dist, .venv; never a build folder
	@rm -rf $(VENV) dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis htmlcov .coverage
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder
PROSE  := $(wildcard *.md docs graphs/*.md schemas/*.md ccf_pipeline flows tests bench)
PASTED := $(wildcard README.md docs/*.md docs/decisions/0008*.md)

# --- installing, once -------------------------------------------------------------------

$(CORE): pyproject.toml $(CONSTRAINTS)
	@$(call install,.)
	@touch $@

$(DEV): pyproject.toml $(CONSTRAINTS)
	@$(call install,.[dev])
	@touch $(CORE) $@

LOG := $(VENV)/install.log

# uv makes the environment and installs where it is found; pip and venv do it otherwise.
define install
	set -e; python='$(PYTHON)'; \
	if command -v uv >/dev/null 2>&1; \
	then $(uv_venv); set -- uv pip install --quiet --python $(BIN)/python; \
	else $(pip_venv); set -- $(BIN)/python -m pip install --quiet --disable-pip-version-check; fi; \
	echo "Installing into $(VENV), once: a minute or two ..."; \
	"$$@" --constraint $(CONSTRAINTS) --editable '$(1)' >$(LOG) 2>&1 || { \
	  tail -n 20 $(LOG); \
	  echo "error: the installation failed; all it said is in $(LOG)"; \
	  echo "hint:  Mend what the lines above name (network, proxy, disk) and call make again."; exit 1; }
endef

uv_venv = $(BIN)/python -c '' 2>/dev/null || { \
	rm -rf $(VENV); uv venv --quiet --python "$${python:->=3.11,<3.14}" $(VENV); }

pip_venv = $(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	found=; for name in $$python python3 python3.13 python3.12 python3.11; do \
	  if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$name; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "error: no Python 3.11 or newer is found (looked for python3, python3.13, python3.12, python3.11)"; \
	  echo "hint:  Install one, or name yours: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)"; exit 1; fi; \
	if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "error: $$found cannot make an environment: its venv module is not installed"; \
	  echo "hint:  On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; fi; \
	rm -rf $(VENV); "$$found" -m venv $(VENV); }
