"""What may be loaded where. The layers themselves are held by import-linter (`make check`)."""

import subprocess
import sys

import pytest

WEB = """
import django, importlib, pkgutil, sys
django.setup()
import storyblender_site.urls, storyblender_site.wsgi, storyblender_site.celery
import workers.tasks, workers.management.commands
for package in ("workers.jobs", "workers.management.commands", "annotations.management.commands"):
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        importlib.import_module(f"{package}.{module.name}")
"""
MODELING = "import modeling, modeling.config; modeling.config.preset_names()"


def heavy_modules_after(code: str) -> str:
    script = f"import os, sys\nos.environ['DJANGO_SETTINGS_MODULE'] = 'storyblender_site.settings'\n{code}\n"
    script += "print(sorted({'torch', 'transformers', 'sentencepiece'} & set(sys.modules)))"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("code", [WEB, MODELING], ids=["web and launching", "modeling's root and config"])
def test_torch_is_not_loaded_by(code: str) -> None:
    assert heavy_modules_after(code) == "[]"


def test_modeling_loads_no_django() -> None:
    code = "import modeling.training, modeling.decoding, modeling.metrics, modeling.__main__"
    script = f"import sys\n{code}\nprint(sorted({{'django', 'celery', 'rest_framework'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
