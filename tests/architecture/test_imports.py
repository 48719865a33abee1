"""What may be loaded where. The layers themselves are held by import-linter (`make check`)."""

import os
import subprocess
import sys

import pytest
from django.db import connection

from tests.factories import make_campaign
from tests.site import ROOT

pytestmark = pytest.mark.once  # of modules: what is in the database plays no part

MODELS = {"torch", "transformers", "sentencepiece"}
NUMBERS = {"numpy", "scipy", "sacrebleu", "pandas", "pyarrow", "openpyxl"}
DRAWING = {"altair", "vl_convert", "weasyprint"}
BROKER = {"celery", "kombu"}

LAUNCHING = """
import django, importlib, pkgutil
django.setup()
import storyblender_site.urls, storyblender_site.wsgi, storyblender_site.celery
import workers.tasks, workers.management.commands
for package in ("workers.jobs", "workers.management.commands", "annotations.management.commands"):
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        importlib.import_module(f"{package}.{module.name}")
"""
RATING = """
from django.test.utils import setup_test_environment
setup_test_environment()
import storyblender_site.wsgi
from annotations.models import Campaign
from tests.annotations.visitor import Visitor
campaign = Campaign.objects.get()
visitor = Visitor(campaign)
visitor.join()
assert visitor.assignment
joined = visitor.client.post(f"/api/v1/rate/{campaign.token}/join", {}, content_type="application/json")
headers = {"Authorization": f"Rater {joined.json()['session']}"}
shown = visitor.client.post("/api/v1/rate/next", {}, content_type="application/json", headers=headers)
assert shown.json()["assignment"]
assert visitor.client.get("/login/").status_code == 200
"""
SWEEPING = (
    "from django.core.management import execute_from_command_line as run; run(['manage.py', 'sweeper', '--once'])"
)
IDLE_WORKER = """
from storyblender_site.celery import app
app.loader.init_worker()
assert "workers.execute_run" in app.tasks
"""


def loaded_by(code: str, modules: set[str], **environment: str) -> str:
    script = f"import sys\n{code}\nprint(sorted({modules!r} & set(sys.modules)))"
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "storyblender_site.settings", **environment}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("code", "modules"),
    [
        (LAUNCHING, MODELS | DRAWING),
        ("import modeling, modeling.config; modeling.config.preset_names()", MODELS | NUMBERS),
        (IDLE_WORKER, MODELS | NUMBERS | DRAWING),
        ("import modeling.training, modeling.decoding, modeling.metrics, modeling.__main__", BROKER | {"django"}),
        ("import workers.supervisor", BROKER | {"django"}),
    ],
    ids=["launching", "modeling's root and config", "an idle worker", "modeling", "the supervisor"],
)
def test_nothing_is_loaded_that_is_not_needed_by(code: str, modules: set[str]) -> None:
    assert loaded_by(code, modules) == "[]"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("code", [RATING, SWEEPING], ids=["a site that serves raters", "the sweeper"])
def test_libraries_of_numbers_and_drawing_are_not_loaded_by(code: str) -> None:
    make_campaign()
    database = f"sqlite:///{connection.settings_dict['NAME']}"
    assert loaded_by(code, MODELS | NUMBERS | DRAWING | BROKER, DATABASE_URL=database) == "[]"
