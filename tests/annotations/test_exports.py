"""What a researcher takes away: ratings, tables for a paper, the datasheet, the preregistration."""

import csv
import hashlib
import io
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pyarrow import parquet

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close
from annotations.campaigns.services.raters import rater_readmit
from annotations.reports import export, rows
from annotations.reports.measures import measure_of
from annotations.storage import short_writes
from tests.annotations.raters import Rater
from tests.annotations.reports import ranked_pairs, report_build, report_heds, report_latex
from tests.factories import make_campaign

pytestmark = pytest.mark.django_db


@pytest.fixture
def rated() -> tuple[models.Campaign, list[dict[str, Any]]]:
    """A closed campaign of four items and one with a degraded text, rated by two, of whom the second is left out; and
    every score that counts as it was sent. The first rater took back their third answer and gave another."""
    campaign = make_campaign(
        captions=5, items=4, overlap=2, criteria=["human_likeness", "fluency"], screens_per_rater=5,
        quality={"degraded": 1, "degraded_needed": 1},
    ).campaign  # fmt: skip
    models.Candidate.objects.filter(public_id=models.Item.objects.get(kind="control").planted["degraded"]).update(
        text="=was the us by seen lake"
    )
    sent: list[dict[str, Any]] = []
    for number in range(2):
        rater, order = Rater(campaign), 0
        models.Rater.objects.update(rules_waived=True)
        screen = rater.next()
        while screen:
            order += 1
            if number == 0 and order == 3:
                undone = rater.submit(screen).json()["rating"]
                rater.undo(undone)
                screen = rater.next()
            answers = {
                criterion: {
                    each["id"]: 10 * place + 3 * number + order
                    for place, each in enumerate(screen["item"]["candidates"])
                }
                for criterion in screen["criteria"]
            }
            for criterion, given in answers.items():
                for place, (public_id, score) in enumerate(given.items(), start=1):
                    about = {"criterion": criterion, "score": score, "place": place, "order": order, "text": public_id}
                    sent.append(about | {"rater": number, "revision": 3 if number == 0 and order == 3 else 1})
            screen = rater.submit(screen, answers=answers).json()["next"]
    campaign_close(campaign=campaign)
    models.Rater.objects.filter(pk=models.Rater.objects.latest("pk").pk).update(
        excluded_at=timezone.now(), exclusion="rates degraded texts like their originals"
    )
    return campaign, sent


def exported(campaign: models.Campaign, form: str, folder: Path) -> Path:
    out = folder / f"ratings.{form}"
    call_command("export_ratings", campaign.name, "--format", form, "--out", str(out))
    return out


def test_every_score_is_exported_with_its_design(rated: tuple[models.Campaign, list], tmp_path: Path) -> None:
    campaign, sent = rated
    lines = [json.loads(line) for line in exported(campaign, "jsonl", tmp_path).read_text().splitlines()]
    texts = {str(each.public_id): each for each in models.Candidate.objects.filter(item__campaign=campaign)}
    raters = [str(each.public_id) for each in models.Rater.objects.order_by("pk")]
    expected = []
    for score in sent:
        candidate = texts[score["text"]]
        systems = sorted(output.decoding.system.name for output in candidate.outputs.all()) or [""]
        for system in systems:
            about = {
                "campaign": campaign.name,
                "item": candidate.item.position,
                "album": candidate.item.source.album.external_id,
                "source": candidate.item.source.key,
                "candidate": candidate.pk,
                "kind": candidate.item.kind,
                "system": system,
                "seconds": 3.5,
                "comment": "",
                "completion_code": "",
                "excluded": ["", "rates degraded texts like their originals"][score["rater"]],
                "simulated": False,
            }
            expected.append(score | about | {"text": candidate.text, "rater": raters[score["rater"]]})
    assert len(expected) == 2 * 2 * 5 * 3
    assert [{key: line[key] for key in line if key != "submitted"} for line in lines] == [
        {key: row[key] for key in lines[0] if key != "submitted"} for row in expected
    ]
    assert [line["submitted"] for line in lines] == sorted(line["submitted"] for line in lines)
    assert {line["system"] for line in lines if line["kind"] == "control"} == {""}


def test_the_forms_hold_the_same_rows(
    rated: tuple[models.Campaign, list], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read by three and written by seven rows, so that the ends of the parts are tried."""
    campaign, _ = rated
    whole = exported(campaign, "jsonl", tmp_path).read_bytes()
    monkeypatch.setattr(rows, "ANSWER_BATCH_SIZE", 3)
    monkeypatch.setattr(export, "BLOCK_BATCH_SIZE", 7)
    monkeypatch.setattr(export, "GROUP_BATCH_SIZE", 7)
    assert exported(campaign, "jsonl", tmp_path).read_bytes() == whole
    lines = [json.loads(line) for line in whole.splitlines()]

    with exported(campaign, "csv", tmp_path).open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    inert = [line | {"text": f"'{line['text']}"} if line["text"][0] == "=" else line for line in lines]
    assert table == [{key: str(value) for key, value in line.items()} for line in inert], "a formula is made inert"

    file = parquet.ParquetFile(exported(campaign, "parquet", tmp_path))
    assert file.num_row_groups == -(-len(lines) // 7)
    read = file.read().to_pylist()
    assert [row | {"submitted": row["submitted"].isoformat()} for row in read] == [
        line | {"submitted": datetime.fromisoformat(line["submitted"]).isoformat()} for line in lines
    ]

    with exported(campaign, "dictionary", tmp_path).open(encoding="utf-8-sig", newline="") as described:
        meanings = {row["column"]: row for row in csv.DictReader(described)}
    assert list(meanings) == list(lines[0]) == file.schema_arrow.names
    for name, row in meanings.items():
        about = file.schema_arrow.field(name).metadata
        assert about == {b"unit": row["unit"].encode(), b"meaning": row["meaning"].encode()}
        assert row["meaning"]


def test_the_site_streams_what_the_command_writes(
    rated: tuple[models.Campaign, list], tmp_path: Path, admin_client: Client
) -> None:
    campaign, _ = rated
    for form in ("csv", "jsonl", "parquet", "dictionary"):
        answer = admin_client.get(f"/reports/{campaign.pk}/ratings.{form}")
        assert answer.streaming == (form != "dictionary")
        got, wrote = answer.getvalue(), exported(campaign, form, tmp_path).read_bytes()
        if form == "parquet":
            assert parquet.read_table(io.BytesIO(got)).equals(parquet.read_table(io.BytesIO(wrote)))
        else:
            assert got == wrote


HOSTILE = r"a_b & 50% #1 $x$ {y} ~z^2 \end{table} <|> -- [o] `q` *"


def test_an_export_is_of_one_moment_though_answers_are_taken_back_meanwhile(
    rated: tuple[models.Campaign, list], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "ANSWER_BATCH_SIZE", 2)
    campaign, _ = rated
    whole = list(measure_of(campaign).rows(campaign))
    reading = measure_of(campaign).rows(campaign)
    first = next(reading)
    models.Assignment.objects.filter(item__campaign=campaign).update(revision=9)  # of an answer taken back
    assert [first, *reading] == whole


def test_a_download_pauses_while_raters_are_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(short_writes.time, "sleep", pauses.append)
    campaign = make_campaign(captions=2).campaign
    long = 3 * short_writes.TURN_BATCH_SIZE + 1
    assert list(short_writes.giving_way(range(long))) == list(range(long))
    assert not pauses
    assert Rater(campaign).next()
    assert list(short_writes.giving_way(range(long))) == list(range(long))
    assert len(pauses) == 3


def check_tex(tex: str) -> None:
    """What TeX would stumble over: groups and environments that do not nest, special signs that are not escaped, rows
    that have not as many cells as their table has columns."""
    code = re.sub(r"(?<!\\)%.*", "", tex).replace(r"\def\storyblenderend{\end{document}}", "")
    code = code.replace(r"\expandafter\storyblenderend", r"\end{document}")
    plain = re.sub(r"\\[&%$#_{}]|\{[\[\]*`]\}", "", code)
    assert not re.findall(r"[#^~`]|\\$", plain)
    assert "_" not in re.sub(r"\\(begin|end|label)\{[^}]*\}", "", plain)
    assert plain.count("$") % 2 == 0
    assert plain.count(r"\if") == plain.count(r"\fi") == 2
    depth = 0
    for sign in re.sub(r"\\textbackslash\{\}", "", plain):
        depth += (sign == "{") - (sign == "}")
        assert depth >= 0
    assert depth == 0
    open_ones: list[str] = []
    for what, name in re.findall(r"\\(begin|end)\{(\w+)\}", code):
        if what == "begin":
            open_ones.append(name)
        else:
            assert open_ones.pop() == name
    assert not open_ones
    code = re.sub(r"\\begin\{tabular\}\[[tb]\]\{@\{\}[lr]@\{\}\}[^&\n]*?\\end\{tabular\}", "lines in a cell", code)
    for columns, body in re.findall(r"\\begin\{tabular\}\{((?:\w|p\{[^}]*\})+)\}(.*?)\\end\{tabular\}", code, re.S):
        rows_of_it = [row for row in body.split("\n") if row.endswith(r"\\")]
        assert len(rows_of_it) > 1
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows_of_it} == {len(re.sub(r"\{[^}]*\}", "", columns))}
        assert not re.search(r"\\\\\s*[\[*]", body), "a row would be read as an option of the line break"
    labels = re.findall(r"\\label\{([^}]*)\}", code)
    assert len(labels) == len(set(labels)) == code.count(r"\caption")


def test_latex_holds_the_reports_numbers_and_escapes_every_name() -> None:
    campaign = make_campaign(captions=5, overlap=2, criteria=["human_likeness", "fluency"]).campaign
    for number in range(2):
        rater = Rater(campaign)
        while screen := rater.next():
            rater.submit(screen, answers=rater.answers(screen, 40 + 5 * number + screen["progress"]["done"]))
    campaign_close(campaign=campaign)
    report = json.loads(json.dumps(report_build(campaign)))
    tex = report_latex(report)
    check_tex(tex)
    for result in report["criteria"].values():
        for row in result["systems"]:
            low, high = row["ci"]
            assert f"{row['system']} & ${row['mean']:.1f}$ & $[{low:.1f}, {high:.1f}]$ &" in tex
    pair = ranked_pairs(report, "fluency")[0]
    assert pair["difference"] >= 0, "the system with the higher mean stands first"
    assert f"{pair['system_a']} $-$ {pair['system_b']} & ${pair['difference']:.1f}$" in tex
    assert "(Cameron, Gelbach and Miller 2011)" in tex

    statistic = {"value": 0.5, "ci": [0.1, 0.8], "undefined": None}
    none = {"value": None, "ci": None, "undefined": {"code": "never_shown", "facts": {"system": HOSTILE}}}
    level = {"pearson": statistic, "spearman": statistic, "kendall": none, "units": 3, "left_out": 0}
    accuracy = {"text": statistic, "tie": None, "text_pairs": 9, "items": 3, "system": none, "system_pairs": 3}
    about = {"signature": None, "less_is_better": False}
    levels = {"pooled": level, "within_item": level, "system": level, "accuracy": accuracy, **about}
    renamed = json.loads(json.dumps(report).replace('"gru"', json.dumps(HOSTILE)))
    renamed["metric_facts"] = {HOSTILE: {"description": HOSTILE, "level": "texts", "less_is_better": True}}
    renamed["metrics"] = {
        "human": {
            HOSTILE: {
                "value": None,
                "ci": None,
                "signature": None,
                "undefined": {"code": "never_shown", "facts": {"system": HOSTILE}},
            }
        },
        HOSTILE: {HOSTILE: {"value": -1.25, "ci": [-2.5, 0.0], "signature": "nrefs:1|eff:no#"}},
    }
    pair = {"system_a": HOSTILE, "system_b": "lstm", "difference": 1.0, "ci": None, "p": 0.0001, "p_sacrebleu": 1}
    differences = {"signature": HOSTILE, "pairs": [pair | {"note": None}], "lacking": []}
    renamed["metric_differences"] = {HOSTILE: differences}
    nothing = {"points": {}, "williams": [], "undefined": None}
    renamed["correlation"] = {HOSTILE: {"metrics": {HOSTILE: levels}, "left_out": [HOSTILE], **nothing}}
    left_out = {"rater": 1, "reason": HOSTILE, "at": "2026-01-01", "after_results": False}
    renamed["exclusions"]["raters"] = [left_out]
    renamed["pairs"] = renamed["pairs"] * 30  # more than fit on a page
    hostile = report_latex(renamed)
    check_tex(hostile)
    assert "(Part 2 of 6.)" in hostile
    assert r"a\_b \& 50\% \#1 \$x\$ \{y\} \textasciitilde{}z\textasciicircum{}2 \textbackslash{}end\{table\}" in hostile
    assert "$-1.250$" in hostile
    assert r"p \textless{} 0.001" in hostile
    assert r"$0.50$ \\ $[0.10, 0.80]$\end{tabular}" in hostile


# As the datasheet counts its questions, version 3.0.
ONCE = re.findall(
    r"\S+",
    """1.1.1 1.1.2 1.2 1.3.1.1 1.3.1.2 1.3.1.3 1.3.2.1 1.3.2.2 1.3.2.3 2.1 2.2 2.3 2.4 2.5 3.1.1 3.1.2 3.1.3.1 3.1.3.2
    3.1.3.3 3.2.1 3.2.2.1 3.2.2.2 3.2.2.3 3.2.2.4 3.2.3 3.2.4 3.2.5 3.3.1 3.3.2 3.3.3.1 3.3.3.2 3.3.4.1 3.3.4.2 3.3.5
    3.3.6 3.3.7 3.3.8""",
)
A_CRITERION = re.findall(
    r"\S+",
    """4.1.1 4.1.2 4.1.3 4.2.1 4.2.2 4.2.3 4.3.1.1 4.3.1.2 4.3.2 4.3.3 4.3.4 4.3.5 4.3.6 4.3.7 4.3.8 4.3.9 4.3.10
    4.3.11.1 4.3.11.2 4.3.12.1 4.3.12.2""",
)
LAST = ["5.1", "5.2", "5.3", "5.4"]


def answers_of(sheet: str) -> list[tuple[str, str]]:
    """Number and answer of every question, in order."""
    return re.findall(r"^### ([\d.]+) [^\n]+\n\n(.*?)\n(?=\n#)", sheet, re.M | re.S)


def test_the_datasheet_answers_what_is_known_and_says_what_is_not(rated: tuple[models.Campaign, list]) -> None:
    campaign, _ = rated
    rater_readmit(rater=models.Rater.objects.get(campaign=campaign, excluded_at__isnull=False))
    report = json.loads(json.dumps(report_build(campaign)))
    answered = answers_of(report_heds(report))
    assert [number for number, _ in answered] == [*ONCE, *A_CRITERION, *A_CRITERION, *LAST]
    open_ones = [number for number, answer in answered if "TO BE ANSWERED BY THE RESEARCHER" in answer]
    assert f"**{len(open_ones)} of {len(answered)} answers are left" in report_heds(report)
    first = dict(reversed(answered))  # of the two criteria the first
    assert {"1.3.2.3", "2.4", "3.2.2.2", "3.2.4", "3.3.7", "4.1.1", "5.1"} <= set(open_ones)
    assert first["3.1.1"] == "4, one for each item, the same items for every system."
    assert "“Does it read as if a person had written it?”, from “clearly a machine”" in first["4.3.7"]
    assert first["4.3.3"].startswith("101.")
    assert f"{report['criteria']['human_likeness']['agreement']['alpha']:.3f}" in first["4.3.11.2"]
    assert first["4.3.12.2"].startswith("Not assessed")

    told = json.loads(json.dumps(report))
    told["campaign"] |= {"seed": 17, "sources": "caption", "instructions": "Rate *them*.\n\n# Now", "consent": ""}
    told["raters"][1] |= {"excluded": "clicks"}
    known = dict(reversed(answers_of(report_heds(told))))
    assert "(seed 17)" in known["3.1.2"]
    assert known["2.1"].startswith("A sentence: the caption of a photo.")
    assert "> Rate \\*them\\*.\n>\n> \\# Now" in known["3.2.4"]
    assert known["3.2.1"].startswith("1. ")
    assert "1 more were excluded" in known["3.2.1"]
    assert "Excluded with all their answers: 1 (clicks)." in known["3.3.3.2"]

    elsewhere = json.loads(json.dumps(told))
    elsewhere["campaign"]["imported"] = True
    unknown = dict(reversed(answers_of(report_heds(elsewhere))))
    for number in ("3.1.2", "3.2.4", "3.3.2", "3.3.4.2", "3.3.5", "4.2.2", "4.3.1.1", "4.3.3", "4.3.5", "4.3.7", "5.2"):
        assert unknown[number].startswith("**TO BE ANSWERED BY THE RESEARCHER:**"), number


def test_a_preregistration_sheet_before_and_after_the_first_rating(tmp_path: Path, admin_client: Client) -> None:
    """Boundaries of four looks by O'Brien and Fleming's type of spending, as published for Lan and DeMets' method."""
    primary = ["gru", "human", "fluency"]
    made = make_campaign(captions=4, overlap=2, criteria=["fluency"], primary=primary)
    campaign = made.campaign
    models.Campaign.objects.update(looks=4, state="draft")
    out = tmp_path / "sheet.md"
    call_command("preregister", campaign.name, "--out", str(out))
    sheet = out.read_text()
    assert "The campaign is draft. No rating had been received by then." in sheet
    assert "**gru** and **human** differ in **fluency**" in sheet
    assert "The other 2 differences" in sheet
    for number, z in enumerate(("4.333", "2.963", "2.359", "2.014"), start=1):
        assert f"| {number} | {25 * number}% | {2 * number} | {z} |" in sheet
    assert "The campaign declares no quality control" in sheet
    assert sheet.count("TO BE ANSWERED BY THE RESEARCHER") == 4
    file_hash, whole = re.findall(r"`([0-9a-f]{64})`", sheet)
    file = re.findall(r"^```\n(.*?)^```$", sheet, re.M | re.S)[0]
    assert hashlib.sha256(file.encode()).hexdigest() == file_hash
    shown = sorted(campaign.entries.values_list("system__name", "decoding__fingerprint", "decoding__settings"))
    lines = [["decoding", *entry] for entry in shown]
    for item in models.Item.objects.order_by("position"):
        source = item.source
        about = [item.position, "regular", source.album.external_id, "caption", source.key, source.text]
        lines.append(["item", *about])
        for text in sorted(item.candidates.all(), key=lambda each: each.text):
            lines.append(["text", text.text, sorted(each.decoding.system.name for each in text.outputs.all())])
    content = file + "".join(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in lines)
    assert hashlib.sha256(content.encode()).hexdigest() == whole

    page = admin_client.get(f"/campaigns/{campaign.pk}/").content.decode()
    assert f"/campaigns/{campaign.pk}/preregistration.md" in page
    served = admin_client.get(f"/campaigns/{campaign.pk}/preregistration.md").content.decode()
    assert served.partition("The campaign is")[2] == sheet.partition("The campaign is")[2]

    models.Campaign.objects.update(state="open")
    rater = Rater(models.Campaign.objects.get())
    rater.submit(rater.next())
    rater.skip(rater.next())
    call_command("preregister", campaign.name, "--out", str(out))
    assert (
        "**2 ratings had been received by then (answer 1, skip 1): it was not written before the data were "
        "collected.**" in out.read_text()
    )
    assert whole in out.read_text(), "what is shown is the same"
    models.Candidate.objects.filter(pk=models.Candidate.objects.latest("pk").pk).update(text="Something else")
    call_command("preregister", campaign.name, "--out", str(out))
    assert whole not in out.read_text()
