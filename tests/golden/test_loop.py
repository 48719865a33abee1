"""The loop, whole, through public interfaces: commands, HTTP, real server and worker processes, real sentences.

The sentences are those of the real data, or of the synthetic samples where it is missing. On SQLite with the
filesystem broker, and, where `DATABASE_URL` and `REDIS_URL` are set, on those.
"""

import json
import uuid
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.common import DATA
from samples.generate import PHOTOS_PER_ALBUM, TEXTS_PER_PHOTO, generate
from tests.site import Site

ROWS = {"train": 600, "feedback": 60, "valid": 40, "test": 60}
ROWS_PER_ALBUM = 5
RATERS = 8
SMALL = ["hidden_size=64", "embedding_size=64", "vocabulary_size=800", "max_steps=120", "save_every=1"]


def real_rows() -> list[dict[str, Any]]:
    with (DATA / "caption_story" / "train.jsonl").open() as lines:
        return [json.loads(next(lines)) for _ in range(sum(ROWS.values()))]


def synthetic_rows(folder: Path) -> list[dict[str, Any]]:
    """Each caption of a photo with one of the photo's sentences, and a system that writes a few sentences only."""
    count = sum(ROWS.values())
    files = generate(folder, albums={"train": -(-count // (PHOTOS_PER_ALBUM * TEXTS_PER_PHOTO))})["train"]
    texts: dict[str, dict[str, list[str]]] = {"dii": defaultdict(list), "sis": defaultdict(list)}
    for role, of_photo in texts.items():
        for (row,) in json.loads(files[role].read_text())["annotations"]:
            of_photo[row["photo_flickr_id"]].append(row["text"])
    pairs = [pair for photo in texts["dii"] for pair in zip(texts["dii"][photo], texts["sis"][photo], strict=True)]
    return [
        {"id": n, "caption": caption, "story": story, "seed_lstm": f"we had a great time on day {n % 7} ."}
        for n, (caption, story) in enumerate(pairs[:count])
    ]


def write_splits(rows: list[dict[str, Any]], folder: Path) -> None:
    """Five rows per album, every album in one split."""
    start = 0
    for split, count in ROWS.items():
        lines = [json.dumps({**row, "album": f"a{row['id'] // ROWS_PER_ALBUM}"}) for row in rows[start : start + count]]
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
        start += count


def write_campaign(folder: Path, **values: Any) -> str:
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    file = folder / f"{values['name']}.toml"
    file.write_text("\n".join(lines) + "\n")
    return str(file)


def score(text: str, rater: int, criterion: str) -> int:
    """An opinion that depends on the text alone, and on how severe the rater is."""
    return max(0, min(100, 3 * len(set(text.split())) + 4 * rater + (10 if criterion == "fluency" else 0)))


def rate_everything(site: Site, token: str, rater: int) -> list[dict[str, Any]]:
    """One rater rates until nothing is left, sends everything twice, skips its second screen and undoes its third."""
    status, joined = site.request("POST", f"/api/v1/rate/{token}/join", {"rater": f"rater-{rater}"})
    assert status in (200, 201), joined
    session, sent = joined["session"], []
    screens = 0
    while True:
        status, screen = site.request("POST", "/api/v1/rate/next", session=session)
        if status == 204:
            return sent
        assert status == 200, screen
        if "wait" in screen:
            continue
        screens += 1
        path = f"/api/v1/rate/assignments/{screen['assignment']}"
        if screens == 2:
            status, answer = site.request("POST", f"{path}/skip", {"key": str(uuid.uuid4())}, session)
            assert status in (200, 201), answer
            continue
        candidates = screen["item"]["candidates"]
        answers = {c: {x["id"]: score(x["text"], rater, c) for x in candidates} for c in screen["criteria"]}
        body = {"key": str(uuid.uuid4()), "answers": answers, "seconds": 7.2}
        replies = [site.request("POST", path, body, session) for _ in range(2)]
        assert replies[0][0] in (200, 201), replies[0]
        assert replies[0][1]["rating"] == replies[1][1]["rating"]
        if screens == 3:
            undo = f"/api/v1/rate/ratings/{replies[0][1]['rating']}/undo"
            status, answer = site.request("POST", undo, {"key": str(uuid.uuid4())}, session)
            assert status in (200, 201), answer
            continue  # the same screen comes back, and is rated as the fourth
        sent.append({"screen": screen, "answers": answers})


def rate_campaign(site: Site, created: dict[str, Any]) -> list[dict[str, Any]]:
    token = created["link"].rstrip("/").rpartition("/")[2]
    with ThreadPoolExecutor(RATERS) as pool:
        answered = list(pool.map(lambda rater: rate_everything(site, token, rater), range(RATERS)))
    return [rating for sent in answered for rating in sent]


def test_the_loop_closes(site: Site, tmp_path: Path) -> None:
    write_splits(real_rows() if DATA.is_dir() else synthetic_rows(tmp_path / "samples"), tmp_path)
    site.up()

    # import: pairs with the reference implementation's outputs as a second system; a file again, and nothing changes
    for split, count in ROWS.items():
        command = ["import_pairs", str(tmp_path / f"{split}.jsonl"), "--dataset", "vist", "--split", split]
        command += ["--album-field", "album", "--system", "seed_lstm=seed_lstm"]
        imported = site.manage(*command)
        assert imported["counts"]["sources"] == imported["counts"]["outputs"] == count
    assert site.manage(*command)["unchanged"] is True

    # train and decode in the worker
    settings = ["--set", *SMALL]
    site.run_done(site.manage("train", "--dataset", "vist", "--preset", "gru-luong", "--name", "old", *settings))
    for split in ("feedback", "test"):
        decoded = site.manage("decode", "--system", "old", "--dataset", "vist", "--split", split)
        assert site.run_done(decoded)["result"]["sources"] == ROWS[split]

    # score: every system with its signature, the two baselines beside
    scored = site.run_done(site.manage("score", "--dataset", "vist", "--split", "test"))["result"]["scores"]
    assert set(scored) == {"old", "seed_lstm", "caption", "random_story", "human"}
    assert scored["caption"]["bleu"]["signature"].startswith("nrefs:")
    assert scored["seed_lstm"]["unique"]["value"] < scored["caption"]["unique"]["value"]
    assert {"nll", "source_gain", "retrieval_accuracy", "bertscore_f1"} <= set(scored["old"])

    # a feedback campaign, rated by eight over HTTP
    feedback = write_campaign(
        tmp_path, name="first-look", purpose="feedback", dataset="vist", split="feedback", unit="sentence",
        systems=["human", "seed_lstm", "old"], protocol="slider", show="caption",
        criteria=["human_likeness", "fluency"], items=24, overlap=3, seed=1,
    )  # fmt: skip
    created = site.manage("create_campaign", feedback)
    assert (created["items"], created["screens"]) == (24, 72)
    ratings = rate_campaign(site, created)
    assert len(ratings) == 72
    site.manage("close_campaign", "first-look")

    # ratings become a feedback set, and that a new model, whose lineage is kept
    built = site.run_done(site.manage("build_feedback", "from-first-look", "--campaign", "first-look"))
    assert built["result"]["ratings"] == 72
    retrain = ["train", "--dataset", "vist", "--preset", "gru-luong", "--name", "new", *settings]
    site.run_done(site.manage(*retrain, "--feedback", "from-first-look"))
    site.run_done(site.manage("decode", "--system", "new", "--dataset", "vist", "--split", "test"))
    lineage = site.manage("lineage", "new")
    assert lineage["feedback_set"]["ratings"] == 72
    assert lineage["feedback_set"]["sha256"] == built["result"]["sha256"]
    assert lineage["run"]["config"]["feedback"] == "from-first-look"
    assert [decoding["split"] for decoding in lineage["decodings"]] == ["test"]
    trained_on = (site.var_dir / "runs" / lineage["run"]["id"] / "train.jsonl").read_text().splitlines()
    assert len(trained_on) == ROWS["train"] + built["result"]["score"]

    # its preferences teach too: a model goes on from the old one, and what that cost is measured
    learning = ["--feedback", "from-first-look", *settings, "max_steps=30", "objective=dpo", "init=old"]
    launched = site.manage("train", "--dataset", "vist", "--preset", "gru-luong", "--name", "liked", *learning)
    learned = site.run_done(launched)
    judged = site.var_dir / "runs" / launched["run"] / "feedback.jsonl"
    rows = [json.loads(line) for line in judged.read_text().splitlines()]
    assert {row["kind"] for row in rows} == {"score", "preference"}
    measured = {each["name"]: each for each in learned["result"]["guarding"]["figures"]}
    assert {"nll", "source_gain", "unique", "length", "embedding_indistinguishable"} <= measured.keys()
    assert learned["result"]["guarding"]["sources"] == ROWS["valid"]
    assert site.manage("lineage", "liked")["began_from"][0]["system"] == "old"

    # an evaluation campaign of old against new against human; its ratings can never feed training
    evaluation = write_campaign(
        tmp_path, name="old-or-new", purpose="evaluation", dataset="vist", split="test", unit="sentence",
        systems=["human", "old", "new"], protocol="slider", show="caption",
        criteria=["human_likeness"], items=20, overlap=2, seed=2,
    )  # fmt: skip
    ratings = rate_campaign(site, site.manage("create_campaign", evaluation))
    assert len(ratings) == 40
    site.manage("close_campaign", "old-or-new")
    refusal = site.manage("build_feedback", "cheating", "--campaign", "old-or-new", code=1)
    assert "evaluation" in refusal
    site.run_done(site.manage("score", "--campaign", "old-or-new"))

    # the report counts every rating, once
    report_file = tmp_path / "report.json"
    site.manage("report", "old-or-new", "--format", "json", "--out", str(report_file))
    report = json.loads(report_file.read_text())
    systems = {row["system"]: row for row in report["criteria"]["human_likeness"]["systems"]}
    assert set(systems) == {"human", "old", "new"}
    # every screen shows every system, identical texts counting for each of them
    assert {row["n"] for row in systems.values()} == {40}
    assert 2 <= systems["human"]["raters"] <= RATERS
    for row in systems.values():
        assert row["ci"][0] <= row["mean"] <= row["ci"][1]
    shown = [value for rating in ratings for value in rating["answers"]["human_likeness"].values()]
    assert min(shown) <= systems["human"]["mean"] <= max(shown)
    assert {"old", "new"} <= set(report["metrics"])
    exported = tmp_path / "ratings.csv"
    site.manage("export_ratings", "old-or-new", "--format", "csv", "--out", str(exported))
    assert len(exported.read_text().splitlines()) - 1 == 40 * 3  # a row a rating and system
    html = tmp_path / "report.html"
    site.manage("report", "old-or-new", "--format", "html", "--out", str(html))
    assert "old-or-new" in html.read_text()
