"""What reward models of the site are used for, and what stands on them and what they stand on."""

import json
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client

from annotations import models
from annotations.errors import InputError
from annotations.removal.erasing import identities, person_erase
from modeling.reward import HEAD, Reward
from tests.annotations.feedback import beside, built, feedback_campaign, rate
from tests.factories import CaptionFactory, StorySentenceFactory
from tests.pages import in_one_line
from tests.workers.rewards import RUNS, TEXTS, fit, made_row, rated_set
from tests.workers.test_pages import decode_form, trained_system
from workers import removal
from workers.jobs import reward
from workers.jobs.decoding import checkpoint_of, decoding_fingerprint
from workers.lineage import lineage
from workers.models import RewardModel, Run

pytestmark = pytest.mark.django_db


@pytest.fixture
def trained(capsys: pytest.CaptureFixture[str]) -> models.FeedbackSet:
    """A feedback set, a reward model `warm` fitted on it, and a trained system `little` on the same dataset."""
    row = rated_set()
    photo = models.Album.objects.earliest("pk").photos.get()
    album = models.Album.objects.create(
        dataset=row.dataset, imported_by=photo.imported_by, external_id="t", split="train"
    )
    for n in range(8):
        caption = CaptionFactory(text=f"a dog in boat {n}", photo__album=album, photo__imported_by=photo.imported_by)
        StorySentenceFactory(photo=caption.photo, text=f"Boat {n} was ours on a sunny day.")
    fit(capsys, "warm", "--feedback", "liked")
    call_command(
        "train", "--dataset", row.dataset.name, "--preset", "tiny", "--name", "little", "--set", "max_steps=40",
        "threads=1", "--wait", "--json",
    )  # fmt: skip
    capsys.readouterr()
    return row


def decode(row: models.FeedbackSet, *overrides: str) -> models.Decoding:
    call_command(
        "decode", "--system", "little", "--dataset", row.dataset.name, "--split", "feedback", "--set", "samples=6",
        "seed=3", "temperature=1.5", "top_p=1", "max_length=12", "engine=torch", *overrides, "--wait", "--json",
    )  # fmt: skip
    return models.Decoding.objects.latest("pk")


def test_a_decoding_keeps_the_text_that_the_reward_model_likes_best(trained: models.FeedbackSet, staff: Client) -> None:
    drawn = decode(trained)
    best = decode(trained, "rerank=reward:warm", "keep=1")
    scores = Reward.load(reward.reward_folder(RewardModel.objects.get())).scores
    moved = 0
    for source in models.Source.objects.filter(outputs__decoding=drawn).distinct():
        texts = list(drawn.outputs.filter(source=source).order_by("rank").values_list("text", flat=True))
        kept = best.outputs.get(source=source)
        rewards = dict(zip(texts, scores([(source.text, text) for text in texts]), strict=True))
        assert rewards[kept.text] == pytest.approx(max(rewards[text] for text in texts if text), abs=1e-4)
        moved += kept.text != texts[0]
    assert moved, "the first is not always the best"
    made = RewardModel.objects.get()
    assert best.settings["rerank"] == "reward:warm"
    assert best.settings["reward"] == {"name": "warm", "sha256": made.sha256}
    assert str(settings.VAR_DIR) not in json.dumps([best.settings, Run.objects.get(decoding=best).config])
    assert best.row_name == "little, reranked by reward:warm"
    line = lineage(best.system)
    assert [each["reranked_by"] and each["reranked_by"]["feedback_set"] for each in line["decodings"]] == [
        None,
        "liked",
    ]
    page = in_one_line(staff.get(f"/models/{best.system_id}/"))
    assert "reward model warm, learned from feedback set liked" in page

    again = decode(trained, "rerank=reward:warm", "keep=1")
    assert again == best, "the same head gives the same decoding"
    RewardModel.objects.update(sha256="0" * 64)
    with pytest.raises(CommandError, match="the files of reward model 'warm' are missing or were altered"):
        decode(trained, "rerank=reward:warm", "keep=1")
    (Path(settings.VAR_DIR) / made.directory / HEAD).unlink()
    with pytest.raises(CommandError, match="are missing or were altered"):
        decode(trained, "rerank=reward:warm", "keep=1")


def test_another_head_of_the_name_is_another_decoding(trained: models.FeedbackSet) -> None:
    config = {"decoding": {"rerank": "reward:warm"}, "source": "caption"}
    checkpoint, one = checkpoint_of(models.System.objects.get(name="little")), RewardModel.objects.get()
    prints = {decoding_fingerprint(checkpoint, [], config, one), decoding_fingerprint(checkpoint, [], config)}
    one.sha256 = "1" * 64
    assert len(prints | {decoding_fingerprint(checkpoint, [], config, one)}) == 3


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["samples=4", "rerank=reward:cold"], "reward model 'cold' does not exist; available: warm"),
        (["rerank=reward:warm"], "a single text cannot be reordered; set samples to 2 or more"),
    ],
)
def test_a_decoding_by_no_reward_model_makes_no_run(overrides: list[str], says: str) -> None:
    row = rated_set()
    made_row(row)
    trained_system(row.dataset)
    before = Run.objects.count()
    with pytest.raises(CommandError, match=says):
        call_command(
            "decode", "--system", "little", "--dataset", row.dataset.name, "--split", "feedback", "--set", *overrides
        )
    assert Run.objects.count() == before


def test_the_decode_form_offers_the_reward_models_that_there_are(staff: Client) -> None:
    row = rated_set()
    made_row(row)
    trained_system(row.dataset)
    values = decode_form(row.dataset, split="feedback", samples="4", keep="1", rerank="reward:warm")
    assert 'value="reward:warm"' in staff.get(f"{RUNS}launch/decode/").content.decode()
    assert staff.post(f"{RUNS}launch/decode/", values).status_code == 302
    assert Run.objects.latest("pk").config["decoding"]["rerank"] == "reward:warm"
    page = staff.post(f"{RUNS}launch/decode/", values | {"samples": "1", "keep": "0"}).content.decode()
    assert "a single text cannot be reordered" in page
    assert (
        "Select a valid choice"
        in staff.post(f"{RUNS}launch/decode/", values | {"rerank": "reward:cold"}).content.decode()
    )


def test_a_dataset_and_an_import_say_which_reward_models_stand_on_them() -> None:
    row = rated_set()
    made_row(row)
    says = "reward model 'warm' was fitted on what raters said of its texts"
    for target in (row.dataset, models.Source.objects.earliest("pk").imported_by):
        assert says in removal.all_dependents(target)
    with pytest.raises(CommandError, match=says):
        call_command("remove", "dataset", row.dataset.name, "--yes")


def test_erasing_a_rater_whose_words_a_set_holds_ends_its_reward_models(staff: Client) -> None:
    campaign = feedback_campaign(captions=2, texts=TEXTS, protocol="edit", name="rewritten")
    texts = {str(each.public_id): each.text for each in models.Candidate.objects.all()}
    rate(campaign, lambda by, caption: {text: f"Warmer: {texts[text]}" for text in by.values()}, outside_ids=["her"])
    made = made_row(built(campaign))
    assert reward.reward_named("warm") == made
    person_erase(list(identities("her", [campaign])))
    made.refresh_from_db()
    assert not made.valid
    with pytest.raises(InputError, match="reward model 'warm' is invalid: some texts of its feedback set 'set' were"):
        reward.reward_named("warm")
    with pytest.raises(InputError, match="reward model 'cold' does not exist; available: none yet"):
        reward.reward_named("cold")
    assert 'value="reward:warm"' not in staff.get(f"{RUNS}launch/decode/").content.decode()
    page = in_one_line(staff.get(f"{RUNS}{made.run_id}/"))
    assert "<b>It is invalid:</b>" in page
    assert "rerank=reward" not in page


def scored(row: models.FeedbackSet, *metrics: str) -> Run:
    asked = [word for metric in metrics for word in ("--metric", metric)]
    call_command("score", "--dataset", row.dataset.name, "--split", "feedback", *asked, "--wait", "--json")
    return Run.objects.filter(kind="score").latest("pk")


def test_a_scoring_by_a_reward_model_is_stored_and_shown_as_learned(staff: Client, tmp_path: Path) -> None:
    row = rated_set(captions=6)
    for name, seed in (("warm", 1), ("cold", 2)):
        call_command(
            "fit_reward", name, "--feedback", "liked", "--set", "folds=3", f"l2={10 * seed}", f"seed={seed}", "--wait"
        )
    run = scored(row, "unique", "reward:warm")
    assert (run.config["metrics"], run.config["reward"]) == (["unique", "reward"], "warm")
    decoding = models.Decoding.objects.get(system__name="plain")
    score = decoding.scores.get(metric="reward")
    made = RewardModel.objects.get(name="warm")
    texts = [(output.source.text, output.text) for output in decoding.outputs.all()]
    rewards = Reward.load(reward.reward_folder(made)).scores(texts)
    assert score.value == pytest.approx(rewards.mean(), abs=1e-5)
    assert f"|model:warm|learned:linear|head:{made.sha256[:12]}|" in score.signature
    assert run.result["scores"]["human"]["reward"]["value"] > score.value
    page = in_one_line(staff.get(f"{RUNS}{run.pk}/"))
    assert 'reward<br><span class="quiet-text">learned</span>' in page
    assert 'unique<br><span class="quiet-text">learned</span>' not in page

    other = scored(row, "reward:cold")
    assert decoding.scores.filter(metric="reward").count() == 2
    page = in_one_line(staff.get(f"/models/{decoding.system_id}/"))
    assert page.count('reward <span class="quiet-text">learned</span>') == 2
    for name, each in (("warm", run), ("cold", other)):
        people = each.result["scores"]["human"]["reward"]["value"]
        cells = page[: page.index(f"|model:{name}|")].rpartition("<tr>")[2]
        assert f">{people:.3f}<" in cells, "people's by the same reward model"

    with pytest.raises(CommandError, match="a run scores by one reward model; launch a run for each"):
        scored(row, "reward:warm", "reward:cold")
    values = {"dataset": row.dataset.name, "split": "feedback", "queue": "cpu"}
    assert "reward:warm (learned)" in in_one_line(staff.get(f"{RUNS}launch/score/"))
    assert staff.post(f"{RUNS}launch/score/", values | {"metrics": ["reward:warm"]}).status_code == 302
    assert Run.objects.latest("pk").config["reward"] == "warm"
    assert staff.post(f"{RUNS}launch/score/", values).status_code == 302
    assert "reward" not in Run.objects.latest("pk").config["metrics"], "only on request"


def test_what_a_reward_model_chose_is_not_measured_by_it(trained: models.FeedbackSet) -> None:
    decode(trained, "rerank=reward:warm", "keep=1")
    said = scored(trained, "reward:warm").result["undefined"]
    assert "little, reranked by reward:warm: reward model 'warm' chose its texts, so" in " ".join(said)


def test_a_campaign_is_scored_by_a_reward_model(capsys: pytest.CaptureFixture[str]) -> None:
    row = rated_set(references_each=2)
    fit(capsys, "warm", "--feedback", "liked")
    with pytest.raises(CommandError, match="learned from the ratings of campaign 'rated for liked'"):
        call_command("score", "--campaign", row.campaigns.get().name, "--metric", "reward:warm", "--wait")
    campaign = beside(row.campaigns.get(), name="another")
    call_command("score", "--campaign", campaign.name, "--metric", "reward:warm", "--wait", "--json")
    scores = {each.decoding.system.name: each for each in models.Score.objects.filter(campaign=campaign)}
    assert set(scores) == {"human", "plain"}
    assert scores["human"].value > scores["plain"].value
    assert all("|model:warm|learned:linear|" in each.signature for each in scores.values())
    assert models.ScoreDifference.objects.get(campaign=campaign, metric="reward").value != 0
