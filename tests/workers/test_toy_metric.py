"""A metric needs one file and one line: a toy one in the registry is scored, compared, kept, shown and exported."""

import csv
import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close
from annotations.reports.charts import charts_drawn
from annotations.reports.formats import FORMATS
from annotations.reports.keeping import report_freeze
from annotations.reports.schema.report import Report
from modeling.__main__ import main
from modeling.metrics import METRICS
from modeling.metrics.texts import MeanOfTexts, Texts
from tests.annotations.test_reports import rate
from tests.factories import CampaignParts, make_campaign
from tests.pages import in_one_line
from workers.forms import ScoreForm
from workers.jobs import scoring
from workers.models import Run

pytestmark = pytest.mark.django_db


class Exclaims(MeanOfTexts):
    name = "exclaims"
    description = "share of outputs with an exclamation mark"
    less_is_better = True

    def values(self, texts: Texts) -> tuple[list[float], dict[str, object]]:
        return [float("!" in output) for output in texts.outputs], {"mark": "!"}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> CampaignParts:
    """Rated and closed; gru exclaims of every other source, lstm of none."""
    monkeypatch.setitem(METRICS, Exclaims.name, Exclaims())
    texts = {"gru": lambda n: f"we saw thing {n}" + "!" * (n % 2), "lstm": lambda n: f"we had a great time {n} ."}
    made = make_campaign(captions=12, texts=texts)
    rate(made.campaign, 2)
    campaign_close(campaign=made.campaign)
    return made


def test_a_campaigns_report_has_all_of_it(made: CampaignParts) -> None:
    call_command("score", campaign=made.campaign.name, metrics=["exclaims"], wait=True)
    content = json.loads(bytes(report_freeze(campaign=made.campaign).content))
    assert content["metric_facts"] == {
        "exclaims": {"description": Exclaims.description, "level": "texts", "less_is_better": True}
    }
    cells = {system: cell["exclaims"] for system, cell in content["metrics"].items()}
    assert {system: cell["value"] for system, cell in cells.items()} == {"gru": 0.5, "lstm": 0, "human": 0}
    signature = cells["gru"]["signature"]
    assert signature == "exclaims|case:lc|tok:space|outputs:12|mark:!|version:sb.1|fold:1"
    pairs = content["metric_differences"]["exclaims"]["pairs"]
    assert {(pair["system_a"], pair["system_b"]): pair["difference"] for pair in pairs}["gru", "lstm"] == 0.5
    assert content["metric_differences"]["exclaims"]["signature"] == f"{signature}|bs:1000|seed:1"
    correlation = content["correlation"]["human_likeness"]["metrics"]["exclaims"]
    assert (correlation["less_is_better"], correlation["signature"]) == (True, signature)

    report = Report.model_validate(content)
    page = " ".join(FORMATS["html"].write(report).decode().split())
    assert f"{Exclaims.description} (mean over texts, lower is better)" in page
    assert signature in page
    chart = charts_drawn(report)["metric:human_likeness:exclaims"]
    assert "exclaims (lower is better)" in json.dumps(chart.spec)
    rows = list(csv.DictReader(io.StringIO(FORMATS["csv"].write(report).decode("utf-8-sig"))))
    (row,) = [row for row in rows if (row["measure"], row["system"]) == ("exclaims", "gru")]
    assert (row["value"], row["signature"], row["description"]) == ("0.5", signature, Exclaims.description)
    assert row["less_is_better"] == "True"


def test_a_splits_scores_and_pages_have_it(made: CampaignParts, admin_client: Client) -> None:
    call_command("score", dataset=made.dataset.name, split="test", metrics=["exclaims"], wait=True)
    run = Run.objects.get(kind="score")
    assert run.result["scores"]["gru"]["exclaims"]["value"] == 0.5
    for address in (f"runs/{run.pk}", f"models/{made.systems['gru'].system.pk}"):
        page = in_one_line(admin_client.get(f"/{address}/"))
        assert f'title="{Exclaims.description}">exclaims<' in page
    assert ("exclaims", "exclaims") in ScoreForm().fields["metrics"].choices
    assert "exclaims" in scoring.launch(dataset=made.dataset.name, split="test").config["metrics"]
    assert models.Metric.objects.get().order == len(METRICS) - 1


def test_so_has_the_command_without_the_site(
    made: CampaignParts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"id": "1", "source": "a dog", "references": ["a dog ran"], "text": "a dog!"}]
    files = [tmp_path / "in.jsonl", tmp_path / "out.jsonl"]
    for file in files:
        file.write_text("\n".join(map(json.dumps, rows)))
    command = ["score", "--input", str(files[0]), "--outputs", str(files[1]), "--metric", "exclaims", "--json"]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["exclaims"]["value"] == 1
