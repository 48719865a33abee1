"""A part of a split's sources is not the whole, and a bad row or a missing model takes no other system down."""

import json
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from annotations import models
from annotations.reports.keeping import report_freeze
from annotations.reports.metrics import metrics_of, values_of_metric
from tests.annotations.reports import report_html
from tests.factories import (
    AlbumFactory,
    CaptionFactory,
    DatasetFactory,
    DecodingFactory,
    OutputFactory,
    PhotoFactory,
    StorySentenceFactory,
    SystemFactory,
)
from tests.pages import in_one_line
from workers.models import Checkpoint, Run

pytestmark = pytest.mark.django_db


def partial_split() -> dict[str, models.Decoding]:
    """Twelve captions of a test split; `whole` wrote for all, `part` for the three that nobody else finds easy."""
    dataset = DatasetFactory(name="beach")
    StorySentenceFactory(photo=PhotoFactory(album=AlbumFactory(dataset=dataset, split="train")))
    decodings = {
        name: DecodingFactory(dataset=dataset, split="test", system=SystemFactory(name=name))
        for name in ("whole", "part")
    }
    for number in range(12):
        photo = PhotoFactory(album=AlbumFactory(dataset=dataset, split="test"))
        caption = CaptionFactory(photo=photo, text=f"a picture of thing {number}")
        for way in ("saw", "liked"):
            StorySentenceFactory(photo=photo, text=f"we {way} thing {number} on our long way home")
        OutputFactory(
            decoding=decodings["whole"],
            source=caption,
            text="we saw it" if number < 3 else f"we saw thing {number} on our long way home",
        )
        if number < 3:
            OutputFactory(
                decoding=decodings["part"], source=caption, text=f"we saw thing {number} on our long way home"
            )
    return decodings


def test_a_part_is_not_the_whole(capsys: pytest.CaptureFixture[str], admin_client: Client) -> None:
    """Beside each other systems are scored on the sources that all wrote for, and each one's own coverage is said."""
    decodings = partial_split()
    command = [
        "score",
        "--dataset",
        "beach",
        "--split",
        "test",
        "--wait",
        "--json",
        "--metric",
        "bleu",
        "--metric",
        "bleu_loo",
    ]
    call_command(*command)
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    own, shared = told["scores"], told["shared"]["scores"]
    assert told["shared"]["sources"] == 3
    assert told["coverage"]["systems"] == {"part": {"sources": 3, "of": 12}}
    assert set(shared) == {"whole", "part", "caption", "random_story", "human"}
    assert own["part"]["bleu"] == shared["part"]["bleu"]
    assert own["whole"]["bleu"]["value"] > shared["whole"]["bleu"]["value"]
    assert {scores["bleu_loo"]["signature"] for scores in shared.values()} == {shared["human"]["bleu_loo"]["signature"]}
    assert all(score["signature"].endswith("|sources:3of12") for scores in shared.values() for score in scores.values())
    assert "sources" not in own["whole"]["bleu"]["signature"]
    kept = models.Score.objects.get(decoding=decodings["part"], metric="bleu")
    assert (kept.part, kept.signed) == ((3, 12), f"{kept.signature}|sources:3of12")
    assert "sources" not in kept.signature
    run = Run.objects.get()
    assert "system 'part' wrote for 3 of 12 sources" in run.message
    page = admin_client.get(f"/runs/{run.pk}/").content.decode()
    assert "On the 3 sources that all systems wrote for" in page
    assert "<td>3 of 12</td>" in page
    page = in_one_line(admin_client.get(f"/models/{decodings['part'].system.pk}/"))
    assert "<b>3</b> of <b>12</b> sources" in page

    models.Output.objects.filter(decoding=decodings["part"]).delete()
    call_command(*command)
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert "shared" not in told
    assert told["coverage"]["said"] == ["system 'part' wrote for 0 of 12 sources"]


def test_what_was_drawn_comes_first_and_what_was_searched_for_beside(
    capsys: pytest.CaptureFixture[str], admin_client: Client
) -> None:
    """Of each kind the newest: two greedy and a beam decoding make one row, and so do two sampled ones."""
    whole = partial_split()["whole"]
    made = {}
    for method, seed in [("greedy", 1), ("nucleus", 1), ("nucleus", 2), ("greedy", 2), ("beam", 1)]:
        made[method] = DecodingFactory(
            dataset=whole.dataset, split="test", system=whole.system, settings={"method": method, "seed": seed}
        )
        for number, source in enumerate(models.Source.objects.filter(outputs__decoding=whole)):
            text = "we saw it" if method == "beam" else f"{seed} dog {number}"
            OutputFactory(decoding=made[method], source=source, text=text)
    metrics = [part for metric in ("unique", "top_share", "copy_rate") for part in ("--metric", metric)]
    call_command("score", "--dataset", "beach", "--split", "test", "--system", "whole", "--wait", "--json", *metrics)
    told = json.loads(capsys.readouterr().out.splitlines()[-1])["scores"]
    assert list(told) == ["whole", "whole, beam", "human"]
    assert [told[row]["unique"]["value"] for row in list(told)[:2]] == [12, 1]
    assert [told[row]["top_share"]["value"] for row in told] == [pytest.approx(1 / 12), 1, pytest.approx(1 / 12)]
    assert {score.decoding for score in models.Score.objects.all()} == {made["nucleus"], made["beam"]}
    page = admin_client.get(f"/runs/{Run.objects.get().pk}/").content.decode()
    assert page.index("<td>whole</td>") < page.index("<td>whole, beam</td>")
    assert page.index(">unique<") < page.index(">top_share<") < page.index(">copy_rate<")  # as the docs list them
    address = f"/models/{whole.system.pk}/?decoding={made['beam'].pk}"
    row = admin_client.get(address).content.decode().partition(">top_share</td>")[2].partition("</tr>")[0]
    assert [cell.partition("<")[0] for cell in row.split('<td class="number">')[1:]] == ["1", "0.083"]  # and people's


def test_a_systems_page_reads_its_texts_once(
    admin_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """Two texts are one where they fold alike; another view asks for counts, and for the few texts it shows."""
    decodings = partial_split()
    models.Output.objects.filter(decoding=decodings["whole"], source__in=models.Source.objects.all()[3:5]).update(
        text="we  saw it"
    )
    address = f"/models/{decodings['whole'].system.pk}/"
    first = in_one_line(admin_client.get(address))
    with django_assert_max_num_queries(20) as asked:
        again = in_one_line(admin_client.get(address))
    for page in (first, again):
        assert "<b>8</b> different texts for <b>12</b> sources" in page
    of_outputs = [query["sql"] for query in asked.captured_queries if 'FROM "annotations_output"' in query["sql"]]
    assert len(of_outputs) == 1
    assert "LIMIT 20" in of_outputs[0]


def test_an_import_says_how_much_it_covers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    partial_split()
    rows = models.Source.objects.filter(album__split="test").values_list("key", "album__external_id")
    lines = [{"id": key, "album": album, "text": "" if n else "we saw it"} for n, (key, album) in enumerate(rows[:3])]
    file = tmp_path / "outputs.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    call_command("import_outputs", str(file), "--dataset", "beach", "--system", "new", "--json")
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["coverage"] == ["new on beach/test: 3 of 12 sources of the split have an output, 2 of which are empty"]


def test_what_one_system_lacks_takes_no_other_down(capsys: pytest.CaptureFixture[str]) -> None:
    """No stories to draw random ones from, a checkpoint whose files are gone, a reference and outputs without words."""
    decodings = partial_split()
    models.StorySentence.objects.filter(story__album__split="train").delete()
    sentence = models.StorySentence.objects.order_by("pk").first()
    assert sentence is not None
    models.StorySentence.objects.filter(photo=sentence.photo).update(text="\u200b")
    models.Output.objects.filter(decoding=decodings["whole"]).exclude(text__endswith="home").update(text="\u00ad")
    run = Run.objects.create(kind="train", config={"training": {"epochs": 1}}, state="done", finished_at=timezone.now())
    Checkpoint.objects.create(
        run=run, system=decodings["part"].system, directory="gone", sha256="0" * 64, size_bytes=1, metrics={}
    )
    metrics = [part for metric in ("bleu", "chrf", "nll") for part in ("--metric", metric)]
    call_command("score", "--dataset", "beach", "--split", "test", "--wait", "--json", *metrics)
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(told["scores"]) == {"whole", "part", "caption"}
    assert told["coverage"]["systems"] == {"part": {"sources": 2, "of": 11}}
    assert any("random_story" in said for said in told["undefined"])
    assert any("part: nll not computed" in said and "no such checkpoint" in said for said in told["undefined"])


def test_a_campaigns_systems_are_compared_on_the_items_that_all_wrote_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Imported ratings without b's texts of two of twelve items: a keeps a value of each text, both are told by ten."""
    texts = {"a": "we saw dog {}", "b": "a dog {} was seen"}
    lines = [
        f"{n},{system},r,c,{2 + (n + len(system)) % 3},{'' if system == 'b' and n > 9 else text.format(n)}"
        for n in range(12)
        for system, text in texts.items()
    ]
    study = tmp_path / "study.csv"
    study.write_text("\n".join(["item,system,rater,criterion,score,text", *lines]))
    call_command("import_ratings", study, campaign="study")
    people = tmp_path / "people.jsonl"
    people.write_text("\n".join(json.dumps({"item": str(n), "story": f"we saw dog {n}"}) for n in range(12)))
    call_command("import_pairs", people, dataset="study", split="test", album_field="item", photo_field="item")
    capsys.readouterr()
    call_command("score", campaign="study", metrics=["chrf", "repetition"], wait=True, json=True)
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["coverage"]["systems"] == {"b": {"sources": 10, "of": 12}}
    campaign = models.Campaign.objects.get()
    cells = metrics_of(campaign)
    for metric in ("chrf", "repetition"):
        assert {cells[system][metric].signature for system in texts} == {cells["a"][metric].signature}
        assert cells["a"][metric].signature.endswith("|sources:10of12")
        assert cells["a"][metric].value == pytest.approx(told["shared"]["scores"]["a"][metric]["value"])
    kept = values_of_metric(campaign, "chrf")
    assert [int(np.isfinite(kept[system]).sum()) for system in texts] == [12, 10]
    difference = models.ScoreDifference.objects.get(metric="chrf")
    assert difference.value == pytest.approx(cells["a"]["chrf"].value - cells["b"]["chrf"].value)
    assert difference.part == (10, 12)
    report = report_html(json.loads(bytes(report_freeze(campaign=campaign).content)))
    assert "The metrics are computed on the 10 of 12 items that every system wrote for." in report


def test_a_row_says_who_wrote_it_and_how() -> None:
    written = models.Decoding(system=models.System(name="gru"), settings={"method": "nucleus", "rerank": "none"})
    assert written.row_name == "gru"
    written.settings |= {"method": "beam", "ensemble": {"b": "0", "a": "1"}, "rerank": "source"}
    assert written.row_name == "gru, with a and b, beam, reranked by source"
