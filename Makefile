# `make run` and `make test` work on a machine with Python 3.11 and nothing else.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PY := .venv/bin/python

# The service pass of the tests runs where both answer; with REQUIRE_SERVICES=1 it must.
TEST_DATABASE_URL ?= postgres://$(shell id -un)@127.0.0.1:5432/postgres
TEST_REDIS_URL ?= redis://127.0.0.1:6379/15
TWO := --numprocesses 2 --dist worksteal

.PHONY: install run test test-embedded test-services check format clean

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info[:2] == (3, 11) else "Python 3.11 is needed; say which with PYTHON=…")'
	test -x $(PY) || $(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --constraint constraints.txt --editable '.[worker,ct2,dev]'
	touch $@

run: install
	$(PY) manage.py up --samples

test: test-embedded test-services

test-embedded: install
	$(PY) -m pytest $(TWO)

test-services: install
	@if $(PY) -m tests.services '$(TEST_DATABASE_URL)' '$(TEST_REDIS_URL)'; then \
		DATABASE_URL='$(TEST_DATABASE_URL)' REDIS_URL='$(TEST_REDIS_URL)' $(PY) -m pytest $(TWO) -m 'not once' tests/annotations tests/workers tests/golden; \
	elif test -n '$(REQUIRE_SERVICES)'; then \
		echo 'REQUIRE_SERVICES is set, and PostgreSQL or Redis does not answer' >&2; exit 1; \
	fi

check: install
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PY) manage.py makemigrations --check --dry-run

format: install
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

clean:
	rm -rf .venv var build *.egg-info .mypy_cache .ruff_cache .pytest_cache
