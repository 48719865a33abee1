"""Six campaigns with known answers, made by the commands, the services and the HTTP interface for raters.

Everybody rates everything, so that no number hangs on who was dealt what, nor on the database's keys.
"""

import json
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

from django.core.management import call_command

from annotations.campaigns.services.campaigns import campaign_close
from annotations.campaigns.services.endings import rater_withdraw
from annotations.campaigns.services.making import campaign_create
from annotations.campaigns.services.raters import rater_exclude
from annotations.campaigns.spec import CampaignSpec
from annotations.models import Campaign, Candidate
from annotations.reports.keeping import report_freeze
from tests.annotations.raters import Rater

DATASET = "outings"
THINGS = (
    *("boat", "dog", "cake", "bridge", "band", "kite", "horse", "tent", "lamp", "tree"),
    *("train", "market", "river", "garden", "piano", "tower", "canoe", "parade", "bonfire", "puppet"),
)
ALBUM = 2  # photos
INSTRUCTIONS = "Rate every sentence by itself.\n\nThere is no hurry."
EXAMPLE = {
    "source": "two dogs run on a beach",
    "texts": ["The dogs raced each other to the water.", "The the dogs beach run."],
    "answers": {"human_likeness": {"A": 91, "B": 8}},
    "why": "A is told as a person would tell it.",
}
WORTH = {"human": 66, "bart": 60, "gru": 58, "lstm": 41}
WRITTEN: dict[str, Callable[[str, int], str]] = {
    "gru": lambda thing, n: f"we had fun with the {thing}" + " again" * (n % 3),
    "lstm": lambda thing, n: "we had a great time" if n != 4 else WRITTEN["gru"](thing, n),
    "bart": lambda thing, n: f"everyone came to see the {thing}, and nobody left early" + "!" * (n % 2),
}


def make_dataset(folder: Path) -> None:
    rows = [
        {
            "id": str(n),
            "album": f"album-{n // ALBUM}",
            "caption": f"a {thing} in the middle of the photo",
            "story": f"The {thing} was what the children talked about for weeks, {n + 1} of them at least.",
            **{name: write(thing, n) for name, write in WRITTEN.items()},
        }
        for n, thing in enumerate(THINGS)
    ]
    file = folder / "outings.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    systems = [f"{name}={name}" for name in WRITTEN]
    call_command("import_pairs", file, dataset=DATASET, split="test", album_field="album", systems=systems)


def create(name: str, systems: list[str], **values: Any) -> Campaign:
    spec = {
        "name": name,
        "purpose": "evaluation",
        "dataset": DATASET,
        "split": "test",
        "systems": systems,
        "criteria": ["human_likeness"],
        "items": len(THINGS),
        "overlap": 4,
    }
    return campaign_create(spec=CampaignSpec.from_mapping(spec | values))


def score(system: str, criterion: int, item: int, rater: int) -> int:
    """A worth, how severe the rater is, how hard the item, and chance, which is always the same."""
    chance = Random(f"{system} {criterion} {item} {rater}").gauss(0, 9) + Random(f"{system} {item}").gauss(0, 7)
    return max(0, min(100, round(WORTH[system] - 4 * rater + 3 * criterion + chance)))


def rate(campaign: Campaign, number: int, *, skipped: int | None = None) -> Rater:
    """One more rater, the `number`th, answers every screen but that of the `skipped` item."""
    rater, wrote = Rater(campaign), dict[str, str]()
    for candidate in Candidate.objects.filter(item__campaign=campaign).prefetch_related("outputs__decoding__system"):
        wrote[str(candidate.public_id)] = min(output.decoding.system.name for output in candidate.outputs.all())
    while screen := rater.next():
        item = THINGS.index(screen["item"]["source"].split()[1])
        if item == skipped:
            rater.skip(screen)
            continue
        answers = {
            criterion: {each["id"]: score(wrote[each["id"]], place, item, number) for each in texts}
            for texts in [screen["item"]["candidates"]]
            for place, criterion in enumerate(screen["criteria"])
        }
        rater.submit(screen, answers=answers)
    return rater


def slider(folder: Path) -> Campaign:
    """Two criteria, a primary comparison and margin, a skipped screen, and metrics beside."""
    campaign = create(
        "slider",
        ["human", "gru", "lstm"],
        criteria=["human_likeness", "fluency"],
        primary=["human", "gru", "human_likeness"],
        equivalence_margin=12.5,
        instructions=INSTRUCTIONS,
    )
    for number in range(4):
        rate(campaign, number, skipped=3 if number == 2 else None)
    campaign_close(campaign=campaign)
    call_command("score", campaign=campaign.name, metrics=["bleu", "chrf"], wait=True)
    return campaign


def looks(folder: Path) -> Campaign:
    """Looked at once without a declaration, then at the first of two declared looks, then closed."""
    campaign = create(
        "looks",
        ["human", "gru", "lstm"],
        overlap=3,
        primary=["gru", "lstm", "human_likeness"],
        looks=2,
        spending="pocock",
    )
    for number in range(3):
        rate(campaign, number)
        if number < 2:
            report_freeze(campaign=campaign, unblind=number == 0)
    campaign_close(campaign=campaign)
    return campaign


def left_out(folder: Path) -> Campaign:
    """One of four raters is left out, after the results were looked at; a fifth withdraws their answers."""
    campaign = create("left-out", ["human", "bart"], instructions=INSTRUCTIONS, example=EXAMPLE)
    raters = [rate(campaign, number) for number in range(4)]
    report_freeze(campaign=campaign, unblind=True)
    rater_exclude(rater=campaign.raters.order_by("pk")[len(raters) - 1], reason="answered without reading")
    Rater(campaign)
    rater_withdraw(rater=campaign.raters.order_by("pk")[len(raters)])
    campaign_close(campaign=campaign)
    return campaign


def unrated(folder: Path) -> Campaign:
    return create("unrated", ["human", "gru"])


def likert(folder: Path) -> Campaign:
    """Imported: five points, five systems, some texts rated twice, and metrics beside."""
    file = folder / "likert.csv"
    file.write_text("".join(f"{line}\n" for line in likert_lines()))
    call_command("import_ratings", file, campaign="likert", scale=[1, 5], columns=["album=doc"])
    people = folder / "people.jsonl"
    rows = [
        {"item": f"i{n}", "doc": f"d{n // 2}", "story": f"We saw the {thing} and stayed all day."}
        for n, thing in enumerate(THINGS)
    ]
    people.write_text("".join(json.dumps(row) + "\n" for row in rows))
    call_command("import_pairs", people, dataset="likert", split="test", album_field="doc", photo_field="item")
    call_command("score", campaign="likert", metrics=["chrf", "distinct_2"], wait=True)
    return Campaign.objects.get(name="likert")


def likert_lines() -> Iterator[str]:
    yield "item,doc,system,rater,criterion,score,text"
    texts = ("we saw the {}", "the {} was there", "we stayed all day with the {}", "a {}", "nobody saw any {} here")
    for again, rater, (n, thing), system in product(range(2), range(4), enumerate(THINGS), range(5)):
        if again and (rater or n > 3):
            continue
        point = 1 + (system * 3 + n * 5 + rater * 2 + again) % 7 * (5 - system) // 7
        yield f"i{n},d{n // 2},s{system},r{rater},interest,{point},{texts[system].format(thing)}"


def pairs(folder: Path) -> Campaign:
    """Imported: choices between three systems, with ties; one of them never lost to another."""
    file = folder / "pairs.csv"
    rows = ["item,system_a,system_b,rater,criterion,choice"]
    names = ("people", "gru", "lstm")
    for n, rater, (one, other) in product(range(len(THINGS)), range(4), [(0, 1), (0, 2), (1, 2)]):
        first, second = (one, other) if (n + rater) % 2 else (other, one)
        tie = (n * 2 + rater + other) % 5 == 0
        worse = (one, other) == (0, 1) and (n + 3 * rater) % 4 == 0
        choice = "tie" if tie else names[other if worse else one]
        rows.append(f"i{n},{names[first]},{names[second]},r{rater},better,{choice}")
    file.write_text("".join(f"{row}\n" for row in rows))
    call_command("import_ratings", file, campaign="pairs")
    return Campaign.objects.get(name="pairs")


MADE: dict[str, Callable[[Path], Campaign]] = {
    "slider": slider,
    "likert": likert,
    "pairs": pairs,
    "looks": looks,
    "left-out": left_out,
    "unrated": unrated,
}
