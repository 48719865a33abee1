# `make run` and `make test` work on a machine with Python 3.11 and nothing else.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PY := .venv/bin/python

# The service pass of the tests runs where both answer; with REQUIRE_SERVICES=1 it must.
TEST_DATABASE_URL ?= postgres://$(shell id -un)@127.0.0.1:5432/postgres
TEST_REDIS_URL ?= redis://127.0.0.1:6379/15
TWO := --numprocesses 2 --dist worksteal

.PHONY: help install run quick test test-quick test-embedded test-services faults check format images clean

help: ## This list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' Makefile | expand -t 16

install: .venv/installed ## Install into .venv, once and after a change of the dependencies

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info[:2] == (3, 11) else "Python 3.11 is needed; say which with PYTHON=…")'
	test -x $(PY) || $(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --constraint constraints.txt --editable '.[worker,ct2,dev]'
	touch $@

run: install ## Serve http://127.0.0.1:8000 with a worker, the sweeper and samples
	$(PY) manage.py up --samples

quick: install ## The checks and the quick tests side by side: under a minute on two cores
	@$(MAKE) --jobs 2 --output-sync check test-quick

test: test-embedded test-services ## All tests, as far as PostgreSQL and Redis answer

test-quick: install ## The tests that ask for no database, train nothing and take no long time
	$(PY) -m pytest -m 'pure and not once' tests/annotations tests/architecture tests/texts

test-embedded: install ## All tests, on SQLite and a folder of messages
	$(PY) -m pytest $(TWO)

test-services: install ## Those that read a database again, on PostgreSQL and Redis
	@if $(PY) -m tests.services '$(TEST_DATABASE_URL)' '$(TEST_REDIS_URL)'; then \
		DATABASE_URL='$(TEST_DATABASE_URL)' REDIS_URL='$(TEST_REDIS_URL)' $(PY) -m pytest $(TWO) -m 'not once' tests/annotations tests/workers tests/golden; \
	elif test -n '$(REQUIRE_SERVICES)'; then \
		echo 'REQUIRE_SERVICES is set, and PostgreSQL or Redis does not answer' >&2; exit 1; \
	fi

faults: install ## What hangs, stops or has a wrong clock, each once; two minutes
	$(PY) -m benchmarks.faults --short

check: install ## Ruff, formatting, mypy, import-linter, missing migrations
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PY) manage.py makemigrations --check --dry-run

format: install ## Mend what Ruff can mend
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

images: ## Build both images
	docker build --file docker/web.Dockerfile --tag storyblender-web .
	docker build --file docker/worker.Dockerfile --tag storyblender-worker --build-arg TORCH_INDEX_URL='$(TORCH_CPU_INDEX_URL)' .

clean: ## Remove what was installed, made and kept here, var/ with the site's data too
	rm -rf .venv var build *.egg-info .mypy_cache .ruff_cache .pytest_cache
