"""Whether the order of texts tells who wrote them: ten campaigns of 30 items by default settings, rated through the
services, their orders guessed from all that is public, and how even they are.

The guess knows the code, the seed of the campaign file, the place of each item and the order in which systems are read:
it is how orders were drawn before campaigns had a secret. Raters come at random; one leaves early.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, print_result, print_table, write_jsonl
from benchmarks.importing import fresh_site

CAMPAIGNS, ITEMS, RATERS = 10, 30, 4
SYSTEMS = ("human", "gru", "lstm")
Order = list[str]  # systems by place


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    if options.parse_args().measure:
        return measure()
    with tempfile.TemporaryDirectory() as folder:
        env = fresh_site(Path(folder) / "site")
        rows = (
            {"caption": f"thing {n}", "story": f"We saw {n} .", "gru": f"it was {n}", "lstm": f"there is {n}"}
            for n in range(ITEMS)
        )
        file = write_jsonl(Path(folder) / "rows.jsonl", rows)
        systems = ["--system", "gru=gru", "--system", "lstm=lstm"]
        fill = ["manage.py", "import_pairs", str(file), "--dataset", "things", "--split", "test", *systems]
        subprocess.run([sys.executable, *fill], cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)
        subprocess.run([sys.executable, "-m", "benchmarks.blindness", "--measure"], cwd=ROOT, env=env, check=True)


def measure() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "storyblender_site.settings")
    import django

    django.setup()
    found = [rated(number) for number in range(CAMPAIGNS)]
    shares = {
        "first text's author guessed": mean(guess == order[0] for each in found for guess, order, *_ in each),
        "each system first within one, first showing of the items": mean(
            even([order for _, order, _, _, turn in each if not turn], places=1) for each in found
        ),
        "the same at every place, all showings of the items": mean(
            even([order for _, order, *_ in each]) for each in found
        ),
        "at every place within two, all showings of the items": mean(
            even([order for _, order, *_ in each], most=2) for each in found
        ),
        "at every place within one, each rater, at every moment": mean(
            even(orders[: count + 1]) for each in found for orders in grouped(each, 2) for count in range(len(orders))
        ),
        "at every place within one, each item": mean(even(orders) for each in found for orders in grouped(each, 3)),
    }
    print_table([["of ten campaigns of 30 items", "share"], *([name, share] for name, share in shares.items())])
    print_result(shares=shares, chance=1 / len(SYSTEMS))


def rated(number: int) -> list[tuple[str, Order, int, int, int]]:
    """A campaign rated whole: of each screen the guess, its order, its rater, its item, and which showing it is."""
    from annotations.campaigns.services.making import campaign_create
    from annotations.campaigns.services.raters import rater_join
    from annotations.campaigns.spec import CampaignSpec
    from annotations.models import Assignment, CandidateOutput

    spec = CampaignSpec(
        name=f"c{number}", purpose="evaluation", dataset="things", split="test", systems=SYSTEMS,
        criteria=("human_likeness",), items=ITEMS,
    )  # fmt: skip
    campaign = campaign_create(spec=spec)
    draw = random.Random(number)
    raters = [rater_join(token=campaign.token)[0] for _ in range(RATERS)]
    leaves = {raters[-1].pk: draw.randrange(1, ITEMS)}
    while raters:
        rater = draw.choice(raters)
        leaves[rater.pk] = leaves.get(rater.pk, ITEMS + 1) - 1
        if not leaves[rater.pk] or not answer(rater):
            raters.remove(rater)
    shown = CandidateOutput.objects.filter(candidate__item__campaign=campaign)
    wrote = dict(shown.values_list("candidate_id", "output__decoding__system__name"))
    found, turns = [], Counter[int]()
    for each in Assignment.objects.filter(item__campaign=campaign).select_related("item").order_by("pk"):
        order = [wrote[pk] for pk, _ in each.candidate_order]
        position, turn = each.item.position, turns[each.item_id]
        found.append((guess(spec.seed, position, turn), order, each.rater_id, each.item_id, turn))
        turns[each.item_id] += 1
    return found


def answer(rater: Any) -> bool:
    """Answer a screen. Whether there was one."""
    from annotations.campaigns.services.ratings import rating_submit
    from annotations.campaigns.services.screens import Screen, assignment_next

    screen = assignment_next(rater=rater)
    if not isinstance(screen, Screen):
        return False
    answers = {"human_likeness": {name: 50 for name, _ in screen.texts}}
    asked = screen.assignment.public_id
    rating_submit(rater=rater, assignment_id=asked, key=uuid.uuid4(), answers=answers, seconds=1.0)
    return True


def guess(seed: int, position: int, turn: int) -> str:
    """Who wrote the first text, if orders followed the campaign's seed. Outputs of files are read before the human's,
    which are drawn with the campaign."""
    order = ["gru", "lstm", "human"]
    random.Random(f"{seed}:{position}").shuffle(order)
    return order[turn % len(order)]


def grouped(screens: list[tuple[str, Order, int, int, int]], by: int) -> list[list[Order]]:
    groups: dict[Any, list[Order]] = {}
    for screen in screens:
        groups.setdefault(screen[by], []).append(screen[1])
    return list(groups.values())


def even(orders: list[Order], places: int = len(SYSTEMS), most: int = 1) -> bool:
    """Whether the systems' counts at each of the first places differ by no more than `most`."""
    for place in range(places):
        counts = [sum(order[place] == system for order in orders) for system in SYSTEMS]
        if max(counts) - min(counts) > most:
            return False
    return True


def mean(values: Any) -> float:
    listed = list(values)
    return sum(listed) / len(listed)


if __name__ == "__main__":
    main()
