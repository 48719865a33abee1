"""What continuous integration calls is there."""

import re
from typing import Any

import yaml

from tests.site import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
CALL = re.compile(r"\bmake ([a-z-]+)")


def workflow() -> Any:
    return yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())


def called(job: dict[str, Any]) -> set[str]:
    return {target for step in job["steps"] for target in CALL.findall(step.get("run", ""))}


def test_jobs_call_targets_that_there_are_and_all_that_ci_run_calls() -> None:
    jobs = workflow()["jobs"]
    everything = set().union(*map(called, jobs.values()))
    here = set(CALL.findall((ROOT / ".ci" / "run").read_text()))
    assert everything | here <= TARGETS
    assert here - {"test"} | {"test-embedded", "test-services", "images"} == everything
    for name, job in jobs.items():
        assert job["steps"][0]["uses"].startswith("actions/checkout@"), name


def test_the_tests_on_services_have_them() -> None:
    job = workflow()["jobs"]["tests-on-services"]
    assert set(job["services"]) == {"postgres", "redis"}
    assert job["env"]["REQUIRE_SERVICES"] == "1"
    assert set(job["env"]) <= set(re.findall(r"\b([A-Z_]+)\b", MAKEFILE))


def test_every_target_has_its_line_in_the_help() -> None:
    told = set(re.findall(r"^([a-z-]+):[^#\n]*## .", MAKEFILE, re.MULTILINE))
    assert told == TARGETS == set(re.findall(r"^\.PHONY: (.*)", MAKEFILE, re.MULTILINE)[0].split())
