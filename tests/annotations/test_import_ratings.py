"""Ratings of a study run elsewhere: what its file says is what is stored, and what is reported."""

import csv
import json
from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from annotations import models
from annotations.campaigns.services.campaigns import campaign_extend, spec_of
from annotations.campaigns.spec import CampaignSpec
from annotations.campaigns.spec_files import campaign_toml
from annotations.errors import AnswerError, ConflictError, InputError
from annotations.feedback.services import check_campaigns
from annotations.imports.writing import import_begin
from annotations.protocols import Rules, protocol_named
from annotations.reports.keeping import report_freeze
from annotations.reports.reading import rating_table
from annotations.reports.rows import rating_rows
from annotations.statistics.agreement import alpha
from workers import lifecycle, sweeping
from workers.formats import ratings as ratings_format
from workers.formats.reading import Written
from workers.jobs import importing
from workers.models import Run
from workers.removal import removals_finish

pytestmark = pytest.mark.django_db
SCORES = "item,system,rater,criterion,score"
PAIRS = "item,system_a,system_b,rater,criterion,choice"
CAMPAIGNS = "/campaigns/"


def table(file: Path, header: str, *rows: str) -> Path:
    file.write_text("\n".join([header, *rows]) + "\n")
    return file


def imported(file: Path, name: str = "study", **options: Any) -> models.Campaign:
    call_command("import_ratings", file, campaign=name, **options)
    return models.Campaign.objects.get(name=name)


def means(campaign: models.Campaign, criterion: str) -> dict[str, float]:
    scores = rating_table(campaign)
    return dict(zip(scores.systems, np.nanmean(scores.scores[criterion], axis=0).tolist(), strict=True))


def test_a_published_study_of_scores(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Means, counts and ordinal alphas, a unit being a text, as they were worked out beside the published file."""
    file = shared_data / "ratings" / "scratchplot_likert.csv"
    with file.open() as opened:
        rows = list(csv.DictReader(opened))
    published = {
        "main": {"coherence": 0.2400, "naturalness": 0.3022},
        "new": {"coherence": 0.2334, "naturalness": 0.2825},
    }
    for batch, alphas in published.items():
        campaign = imported(file, f"scratch-{batch}", where=[f"batch={batch}"], json=True)
        assert json.loads(capsys.readouterr().out)["columns_left_aside"] == ["batch"]
        assert (campaign.protocol, campaign.scale, campaign.state, campaign.items.count()) == (
            "likert",
            [1, 5],
            "closed",
            50,
        )
        mine = [row for row in rows if row["batch"] == batch]
        stored = list(rating_rows(campaign))
        assert Counter((row.system, row.criterion) for row in stored) == Counter(
            (row["system"], row["criterion"]) for row in mine
        )
        assert Counter((row.album, row.system, row.text, row.criterion, row.score) for row in stored) == Counter(
            (row["item"], row["system"], row["text"], row["criterion"], float(row["score"])) for row in mine
        )
        found = rating_table(campaign)
        level = protocol_named(campaign.protocol).level
        for criterion, value in alphas.items():
            given = ~np.isnan(found.scores[criterion]) & found.first
            agreed = alpha(found.scores[criterion][given], found.shown[given], level=level, resamples=50).value
            assert agreed == pytest.approx(value, abs=5e-5)
    coherence = {"scratchplot": 3.987, "gpt2": 3.407, "fusion": 1.893, "progen": 1.880}
    main = models.Campaign.objects.get(name="scratch-main")
    assert {system: round(mean, 3) for system, mean in means(main, "coherence").items()} == coherence
    report = json.loads(bytes(report_freeze(campaign=main).content))
    reported = {row["system"]: (round(row["mean"], 3), row["n"]) for row in report["criteria"]["coherence"]["systems"]}
    assert reported == {system: (mean, 150) for system, mean in coherence.items()}


def test_a_published_study_of_pairs(shared_data: Path, tmp_path: Path) -> None:
    """Each stored choice is the file's; of decided comparisons with `base3b`, `basesft_3b` won 1 of 17, 5.88 %."""
    criteria = ["plot", "character", "creativity", "development", "language", "overall_quality"]
    with (shared_data / "ratings" / "ncp_3b_pairwise.csv").open() as opened:
        rows = list(csv.DictReader(opened))
    lines = [
        f"{number},{row['options']},people,{criterion},{row[criterion]}"
        for number, row in enumerate(rows)
        for criterion in criteria
    ]
    campaign = imported(table(tmp_path / "ncp.csv", PAIRS, *lines))
    assert (campaign.protocol, campaign.scale, campaign.criteria, campaign.item_count) == (
        "pairwise",
        [],
        criteria,
        120,
    )
    protocol = protocol_named("pairwise")
    shown = dict(models.CandidateOutput.objects.values_list("candidate_id", "output__decoding__system__name"))
    wins: dict[str, int] = defaultdict(int)
    for rating in models.Rating.objects.counting(campaign).select_related("assignment__item__source__album"):
        row = rows[int(rating.assignment.item.source.album.external_id)]
        assert [shown[pk] for pk, _ in rating.assignment.candidate_order] == row["options"].split(",")
        assert not protocol.scores(rating.answers)
        chosen = {
            criterion: "same" if choice == "tie" else shown[int(choice)]
            for criterion, choice in protocol.choices(rating.answers).items()
        }
        assert chosen == {criterion: row[criterion] for criterion in criteria}
        if row["options"] == "base3b,basesft_3b":
            wins[chosen["overall_quality"]] += 1
    assert round(100 * wins["basesft_3b"] / (wins["basesft_3b"] + wins["base3b"]), 2) == 5.88
    report_freeze(campaign=campaign)


def test_a_rater_may_have_scored_only_a_part(tmp_path: Path) -> None:
    """Two systems of item 1 by different criteria, the place of each as it stands in the table, the time as given."""
    campaign = imported(
        table(
            tmp_path / "a.csv",
            f"{SCORES},text,submitted",
            "1,b,ann,fluency,2,B one,2024-05-01T12:00:00+02:00",
            "1,a,ann,sense,4,A one,2024-05-01T09:59:00",
            "1,b,ann,sense,3.5,,",
            "2,a,ann,sense,1,A two,2024-04-30",
            "1,a,bob,sense,5,,",
        )
    )
    assert (campaign.protocol, campaign.scale, campaign.criteria) == ("slider", [1, 5], ["fluency", "sense"])
    assert (campaign.purpose, campaign.split, campaign.show, campaign.overlap) == ("evaluation", "test", "none", 2)
    rows = [(row.album, row.system, row.text, row.criterion, row.score, row.order) for row in rating_rows(campaign)]
    assert (rows[0], rows[-1]) == (("2", "a", "A two", "sense", 1, 1), ("1", "a", "A one", "sense", 5, 1))
    assert set(rows[1:-1]) == {
        ("1", "b", "B one", "fluency", 2, 2),
        ("1", "a", "A one", "sense", 4, 2),
        ("1", "b", "B one", "sense", 3.5, 2),
    }
    times = list(models.Rating.objects.order_by("pk").values_list("created_at", flat=True))
    assert [time.isoformat() for time in times[:2]] == ["2024-04-30T00:00:00+00:00", "2024-05-01T10:00:00+00:00"]
    assert campaign.imported_by
    assert times[2] == campaign.imported_by.created_at
    assert set(models.Rater.objects.values_list("outside_id", flat=True)) == {"ann", "bob"}
    report = json.loads(bytes(report_freeze(campaign=campaign).content))
    assert [row["system"] for row in report["criteria"]["fluency"]["systems"]] == ["b"]


def test_systems_are_those_of_their_names(tmp_path: Path) -> None:
    trained = models.System.objects.create(name="gru", kind="model")
    rows = ["1,human,r,c,3", "1,gru,r,c,2", "1,elsewhere,r,c,1", "1,caption,r,c,2"]
    campaign = imported(table(tmp_path / "a.csv", SCORES, *rows))
    assert dict(campaign.entries.values_list("system__name", "system__kind")) == {
        "human": "human",
        "gru": "model",
        "elsewhere": "file",
        "caption": "baseline",
    }
    assert trained.decodings.get().completed_at
    texts = set(models.Candidate.objects.values_list("text", flat=True))
    assert "(what gru wrote for 1 was not given)" in texts
    assert len(texts) == 4


def test_a_text_of_two_systems_is_one_text(tmp_path: Path) -> None:
    header = f"{SCORES},text"
    rows = ["1,a,r,c,4,same", "1,b,r,c,4,same", "1,d,r,c,1,other", "1,a,q,c,2,same"]
    campaign = imported(table(tmp_path / "a.csv", header, *rows))
    assert campaign.imported_by
    assert (campaign.imported_by.counts["candidates"], models.Candidate.objects.count()) == (2, 2)
    assert campaign.imported_by.counts["texts_of_several_systems"] == 1
    assert means(campaign, "c") == {"a": 3, "b": 3, "d": 1}
    disputed = table(tmp_path / "b.csv", header, *rows, "1,b,q,c,5,same")
    with pytest.raises(CommandError, match=r"b\.csv: line 6: rater='q' has scored the same text .* on line 5"):
        imported(disputed, "other")
    apart = imported(disputed, "apart", keep_apart=True)
    assert means(apart, "c") == {"a": 3, "b": 4.5, "d": 1}
    assert set(apart.items.get().candidates.values_list("text", flat=True)) == {"same [a]", "same [b]", "other"}


FIRST = "1,a,r,c,3"
PAIR = "1,a,b,r,c,a"


@pytest.mark.parametrize(
    ("header", "rows", "says"),
    [
        ("item,system,rater,score", ["1,a,r,3"], "line 1: the column 'criterion' is missing; available: item, system"),
        (
            f"{SCORES},choice",
            [f"{FIRST},a"],
            "line 1: the columns system, score belong to a table of scores, but choice to",
        ),
        (SCORES, [], "contains no ratings: it has a header"),
        (SCORES, [FIRST, "1,b,,c,4"], "line 3: rater='' must be an id"),
        (SCORES, [FIRST, "1,b,r,c,inf"], "line 3: score='inf' must be a number"),
        (SCORES, [FIRST, "1,b,r,c,1e160"], "line 3: score='1e160' must be a number, such as .* at most 1,000,000,000"),
        (SCORES, [FIRST, '1,b,r,c,"3,5"'], "line 3: score='3,5' must be a number"),
        (SCORES, [FIRST, "1,,r,c,4"], "line 3: system='' must be the name of a system"),
        (SCORES, [FIRST, "1,b,r,c,good"], "line 3: score='good' must be .* with --value"),
        (SCORES, [FIRST, "1,b,r,c"], "line 3: has 4 cells, but the header has 5"),
        (SCORES, [FIRST, "1,b,r,c,3"], "every score is 3, which does not show the scale"),
        (f"{SCORES},submitted", [f"{FIRST},", "1,b,r,c,3,soon"], "line 3: submitted='soon' must be an ISO 8601 time"),
        (
            f"{SCORES},text",
            [f'{FIRST},"two\nlines"', "1,a,q,c,3,other"],
            "line 4: text='other' of system='a' and item='1' differs from the text on line 2",
        ),
        (PAIRS, [PAIR, "1,a,a,r,c,a"], "line 3: system_a='a' and system_b='a' must be two different"),
        (PAIRS, [PAIR, "1,a,b,q,c,d"], "line 3: choice='d' must be 'a', 'b' or, for a tie, one of tie, same"),
        (PAIRS, [PAIR, "1,both,b,r,c,b"], "line 3: system='both': in a file of choices this word means a tie"),
        (PAIRS, [PAIR, "1,b,a,r,d,a"], "line 3: rater='r' was shown a before b .*on line 2, but in reverse order here"),
    ],
)
def test_a_defect_is_named_by_line_column_and_value(tmp_path: Path, header: str, rows: list[str], says: str) -> None:
    file = table(tmp_path / "bad.csv", header, *rows)
    with pytest.raises(CommandError, match=f"bad.csv: {says}"):
        imported(file)
    assert not models.Dataset.objects.exists()
    assert not models.Import.objects.exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"scale": [1, 3]}, "line 3: score='4' is outside the scale from 1 to 3"),
        ({"scale": [5, 1]}, "scale: 5 1 must be the lowest score, then a higher one"),
        ({"where": ["part=x"]}, "where: there is no column 'part'; available: item, system, rater, criterion, score"),
        ({"where": ["rater=nobody"]}, "no row has rater=nobody"),
        ({"where": ["rater"]}, "where: 'rater' must have the form COLUMN=VALUE"),
        ({"name": "a=b"}, "campaign: 'a=b' contains '='; a name has 1 to 100 characters"),
    ],
)
def test_an_option_that_does_not_fit_is_said(tmp_path: Path, options: dict[str, Any], says: str) -> None:
    file = table(tmp_path / "a.csv", SCORES, FIRST, "1,b,r,c,4")
    with pytest.raises(CommandError, match=says):
        imported(file, **options)
    assert not models.Campaign.objects.exists()


def test_rows_are_chosen_and_the_scale_is_said(tmp_path: Path) -> None:
    """Several values of a column are alternatives, columns hold together; a byte-order mark and tabs are read."""
    rows = [f"1,{system},r,{criterion},{score}" for score, system in enumerate("abd") for criterion in ("c", "e")]
    file = tmp_path / "a.tsv"
    text = "\ufeff" + "\r\n".join([SCORES, *rows, ",,,,"]).replace(",", "\t")
    file.write_text(text, encoding="utf-8")
    campaign = imported(file, where=["system=a", "system=d", "criterion=c"], scale=[0, 10])
    assert (campaign.protocol, campaign.scale, campaign.criteria) == ("likert", [0, 10], ["c"])
    assert means(campaign, "c") == {"a": 0, "d": 2}
    assert imported(file, "wide", scale=[0, 11]).protocol == "slider"


def test_the_same_file_changes_nothing_and_a_name_is_taken_once(tmp_path: Path, capsys: Any) -> None:
    file = table(tmp_path / "a.csv", SCORES, FIRST, "1,b,r,c,4")
    campaign = imported(file)
    call_command("import_ratings", file, campaign="study", json=True)
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["unchanged"]
    before = models.Rating.objects.count(), models.Output.objects.count()
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    call_command("import_ratings", file, campaign="study", json=True)
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (answer["unchanged"], answer["recognised"]) == (True, {"ratings": before[0]})
    with pytest.raises(CommandError, match=r"campaign: 'study' already exists, .* What differs: scale: .* → \[1"):
        imported(file, scale=[1, 5])
    mended = table(tmp_path / "b.csv", SCORES, FIRST, "1,b,r,c,5")
    with pytest.raises(CommandError, match=r"What differs: .*rating of item '1' by rater 'r', c: .*b 4"):
        imported(mended)
    assert before == (models.Rating.objects.count(), models.Output.objects.count())
    again = imported(file, "again", dataset="study")
    assert again.items.get().source == campaign.items.get().source
    people = tmp_path / "people.jsonl"
    people.write_text('{"caption": "a", "story": "b"}\n')
    call_command("import_pairs", people, dataset="written", split="train")
    with pytest.raises(CommandError, match="dataset: 'written' already has other content"):
        imported(file, "third", dataset="written")


def written(file: Path) -> tuple[lifecycle.Claim, Written]:
    """An import that has done everything but its last transaction."""
    config = {"form": "ratings", "campaign": "study", "dataset": "study", "where": [], "scale": [], "keep_apart": False}
    config["files"] = {"file": [str(file)]}
    claim = lifecycle.Claim(lifecycle.run_create(kind=Run.Kind.IMPORT, config=config, claimed=True))
    reading = importing.reading_of(config)
    dataset = models.Dataset.objects.create(name="study")
    content = reading.prepare(dataset, reading.read(lambda message: None))
    row = import_begin(dataset=dataset, fingerprint=reading.digest, description="a.csv")
    claim.save(import_row=row)
    return claim, reading.write(row, content, lambda share: None)


def nothing_left() -> bool:
    kinds = (models.Import, models.Album, models.Photo, models.Source, models.Output, models.Decoding, models.Rater)
    counts = [model._default_manager.count() for model in (*kinds, models.Item, models.Assignment, models.Rating)]
    return not any(counts)


def test_a_killed_import_leaves_nothing(tmp_path: Path) -> None:
    claim, _ = written(table(tmp_path / "a.csv", SCORES, FIRST, "1,b,r,c,4"))
    assert models.Output.objects.count() == 2
    assert not models.Campaign.objects.exists()
    Run.objects.filter(pk=claim.run.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1), claimed_by="gone:1")
    assert sweeping.sweep()["ended"] == 1
    assert nothing_left()
    assert imported(tmp_path / "a.csv").state == "closed"


def test_a_name_that_was_taken_meanwhile_leaves_nothing(tmp_path: Path) -> None:
    claim, done = written(table(tmp_path / "a.csv", SCORES, FIRST, "1,b,r,c,4"))
    elsewhere = models.Dataset.objects.create(name="elsewhere")
    fields = {"unit": "sentence", "protocol": "slider", "show": "none", "criteria": ["c"], "overlap": 1}
    models.Campaign.objects.create(
        name="study", purpose="evaluation", dataset=elsewhere, split="test", item_count=1, **fields
    )
    with (
        pytest.raises(ConflictError, match="'study' was created in the meantime"),
        lifecycle.holding(claim),
        claim.fenced(),
    ):
        done.finish()
    assert nothing_left()


def test_a_campaign_that_was_given_up_takes_no_outputs_of_its_import_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the sweeper removed it before it showed; the outputs of `human` are the import's as all others are."""
    show = ratings_format.campaign_show

    def late(**given: Any) -> None:
        models.Campaign.all_rows.update(unfinished_until="2020-01-01T00:00Z")
        assert removals_finish() == 1
        kept = models.Output.objects.values_list("decoding__system__name", flat=True)
        assert sorted(kept) == ["human", "lstm"]
        show(**given)

    monkeypatch.setattr(ratings_format, "campaign_show", late)
    file = table(tmp_path / "s.csv", SCORES, "i,human,r,fluency,1", "i,lstm,r,fluency,2")
    with pytest.raises(CommandError, match="the campaign took too long between two writes and was given up"):
        imported(file)
    assert not models.Import.objects.exists()
    assert not models.Output.objects.exists()


def test_what_needs_raters_here_is_refused(tmp_path: Path) -> None:
    file = table(tmp_path / "a.csv", f"{SCORES},text", f"{FIRST},one", "1,b,r,c,4,two")
    campaign, untold = imported(file), imported(table(tmp_path / "p.csv", PAIRS, PAIR), "pairs")
    client = Client()
    client.force_login(User.objects.create_superuser("admin", password="x"))
    page = client.get(f"{CAMPAIGNS}{campaign.pk}/").content.decode()
    assert "Imported study" in page
    assert "likert, from 3 to 4" in page
    assert campaign.token not in page
    assert "/copy/" not in page
    for path in ("copy/", "edit/", "preview/1/", "campaign.toml"):
        answer = client.get(f"{CAMPAIGNS}{campaign.pk}/{path}", follow=True).content.decode()
        assert "was rated elsewhere and imported" in answer, path
    assert client.get(f"/reports/{untold.pk}/").status_code == 200
    assert client.get("/").status_code == 200
    assert "This study is over" in client.get(f"/rate/{campaign.token}/").content.decode()
    with pytest.raises(ConflictError, match="copied or written as a campaign file"):
        campaign_toml(spec_of(campaign))
    with pytest.raises(ConflictError, match="cannot be extended"):
        campaign_extend(campaign=campaign, overlap=9)
    with pytest.raises(InputError, match="can never feed"):
        check_campaigns([campaign])
    for command, says in {
        "campaign_link study": "cannot be rated here",
        "score --campaign study": "no references are known for its items",
        "score --campaign pairs": "no text for any of its 2 outputs",
        "plan_campaign --pilot pairs --systems a b": "a single item cannot show",
    }.items():
        with pytest.raises(CommandError, match=says):
            call_command(*command.split())


def test_imported_texts_are_scored_against_what_people_wrote(tmp_path: Path) -> None:
    file = table(
        tmp_path / "a.csv",
        f"{SCORES},text",
        f"{FIRST},we saw dogs",
        "1,b,r,c,4,nothing",
        "1,human,r,c,5,dogs were seen",
    )
    imported(file)
    people = tmp_path / "people.jsonl"
    people.write_text(json.dumps({"item": "1", "story": "we saw dogs"}) + "\n")
    fields = {"album_field": "item", "photo_field": "item"}
    call_command("import_pairs", people, dataset="study", split="test", **fields)
    call_command("score", campaign="study", metrics=["chrf"], wait=True)
    scores = dict(models.Score.objects.values_list("decoding__system__name", "value"))
    assert scores["a"] == pytest.approx(100)
    assert scores["b"] < 50
    assert "human" not in scores, "their text may be among the references"


def test_what_a_rater_sends_by_points_and_by_choices() -> None:
    """As the rater API says: numbers by candidate, or a candidate, or `tie`."""
    candidates = {"x": 7, "y": 8}
    likert, pairwise = protocol_named("likert"), protocol_named("pairwise")
    given = {"criteria": ["c"], "candidates": candidates, "rules": Rules()}
    assert likert.read({"c": {"x": 4, "y": 1}}, **given) == {"c": {"7": 4, "8": 1}}
    assert likert.read({"c": {"x": 7, "y": 0}}, **given | {"rules": Rules([0, 10])}) == {"c": {"7": 7, "8": 0}}
    for wrong in (6, 2.5, True, "4", None):
        with pytest.raises(AnswerError, match=r"answers\.c\.x: .* must be a whole number from 1 to 5"):
            likert.read({"c": {"x": wrong, "y": 1}}, **given)
    stored = [pairwise.read({"c": chosen}, **given) for chosen in ("y", "tie")]
    assert stored == [{"c": "8"}, {"c": "tie"}]
    assert [pairwise.fields(one, names={7: "x", 8: "y"}) for one in stored] == [{"c:choice": "y"}, {"c:choice": "tie"}]
    for wrong in ("8", "both", None, ["x"]):
        with pytest.raises(AnswerError, match=r"answers\.c: .* must be one of x, y, tie"):
            pairwise.read({"c": wrong}, **given)
    with pytest.raises(AnswerError, match=r"answers\.c: 'tie' must be one of x, y"):
        pairwise.read({"c": "tie"}, **given | {"rules": Rules(ties=False)})


@pytest.mark.parametrize("protocol", ["essay", "Slider"])
def test_a_campaign_here_is_of_a_protocol_that_can_be_shown(protocol: str) -> None:
    values = {"name": "n", "purpose": "evaluation", "dataset": "d", "split": "test", "systems": ["human"], "items": 1}
    with pytest.raises(InputError, match=f"^protocol: '{protocol}' cannot be shown .*; available: slider"):
        CampaignSpec.from_mapping({**values, "criteria": ["c"], "protocol": protocol})
