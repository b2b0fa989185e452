# Everything a newcomer needs: `make run` shows the program at work, `make test` proves it.
#
# Each target has its own environment, kept until pyproject.toml or constraints.txt changes. The package is installed
# editable, so the environments follow the sources; tests/test_wheel.py checks what a real installation contains.

PYTHON ?= python3
OUT ?= out
PYTEST_ARGS ?=

RUN_ENV := .venv-run
TEST_ENV := .venv-test
BENCH_ENV := .venv-bench
SAMPLES := triage/samples

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run serve test check format bench readme clean

help:
	@echo "make run     triage the shipped samples into $(OUT)/, record them in a store there and write a weekly report"
	@echo "make serve   open the workbench on the samples and print its address and a demo login"
	@echo "make test    install everything and run all tests"
	@echo "make check   lint, format and type checks"
	@echo "make format  rewrite the sources in the project's format"
	@echo "make bench   side-by-side benchmarks with other tools"
	@echo "make readme  put the present output of make run into the READMEs"
	@echo "make clean   remove environments, caches and outputs"

run: $(RUN_ENV)/.ready
	@mkdir -p $(OUT)
	$(RUN_ENV)/bin/triage run $(SAMPLES)/appeals.csv --units $(SAMPLES)/units.csv \
		-o $(OUT)/decisions.xlsx -o $(OUT)/decisions.jsonl
	@rm -rf $(OUT)/data
	@$(RUN_ENV)/bin/triage import $(SAMPLES)/appeals.csv --units $(SAMPLES)/units.csv --data $(OUT)/data \
		--rejects $(OUT)/import.rejects.csv --summary
	@$(RUN_ENV)/bin/triage report --input $(SAMPLES)/appeals.csv --units $(SAMPLES)/units.csv --week 2026-W43 \
		-o $(OUT)/weekly.docx -o $(OUT)/weekly.html

serve: $(RUN_ENV)/.ready
	$(RUN_ENV)/bin/triage serve --demo --data $(OUT)/serve

test: $(TEST_ENV)/.ready
	$(TEST_ENV)/bin/python -m pytest -n 2 $(PYTEST_ARGS)
	$(TEST_ENV)/bin/python -m pytest -n 2 --store tcp tests/store

check: $(TEST_ENV)/.ready
	$(TEST_ENV)/bin/ruff check .
	$(TEST_ENV)/bin/ruff format --check .
	$(TEST_ENV)/bin/mypy

format: $(TEST_ENV)/.ready
	$(TEST_ENV)/bin/ruff check --fix .
	$(TEST_ENV)/bin/ruff format .

bench: $(BENCH_ENV)/.ready
	$(BENCH_ENV)/bin/python -m benchmarks

readme: $(RUN_ENV)/.ready
	$(MAKE) --no-print-directory run | $(RUN_ENV)/bin/python docs/refresh_readme.py

clean:
	rm -rf $(RUN_ENV) $(TEST_ENV) $(BENCH_ENV) $(OUT) build dist
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find triage models training tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN_ENV)/.ready: EXTRAS :=
$(TEST_ENV)/.ready: EXTRAS := [train,dev]
$(BENCH_ENV)/.ready: EXTRAS := [bench]

# The two variables pin the build tools as well: pip before 25.3 reads the first one for them, later ones the second.
%/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(@D)
	PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
		$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.$(EXTRAS)'
	@touch $@
