"""Can a rater, or a program in their place, tell the screens with a degraded text from ordinary ones without reading?

Raters answer a campaign through the page's own requests. Of every screen is kept what anybody could look at but the
texts: where it comes among the rater's screens, how long the site took to bring it, how long the page is without
its texts, the order of the texts' random ids, and where the longest text stands. Of each of these the area under the
curve says how well it tells hidden screens from ordinary ones: 0.5 is chance.

    python -m benchmarks.hidden_screens --raters 60
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, print_result, print_table, write_jsonl
from benchmarks.importing import fresh_site

ITEMS, SCREENS, HIDDEN = 60, 20, 5
TEXT = re.compile(r'<q dir="auto">(.*?)</q>', re.DOTALL)
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
NAMES = (
    "place among the rater's screens",
    "time that the site took",
    "length of the page without its texts",
    "first text's id is the lowest",
    "place of the longest text",
)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--raters", type=int, default=60)
    options.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.measure:
        return measure(given.raters)
    with tempfile.TemporaryDirectory() as folder:
        env = fresh_site(Path(folder) / "site")
        rows = (
            {
                "caption": f"a dog at lake {n:03}",
                "story": f"We took our dog to the lake number {n} and it loved every minute.",
                "gru": f"the dog was having a great time at the lake {n} .",
                "lstm": f"there is a dog that runs along the lake {n} today .",
            }
            for n in range(ITEMS + 40)
        )
        file = write_jsonl(Path(folder) / "rows.jsonl", rows)
        systems = ["--system", "gru=gru", "--system", "lstm=lstm"]
        fill = ["manage.py", "import_pairs", str(file), "--dataset", "lakes", "--split", "test", *systems]
        subprocess.run([sys.executable, *fill], cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)
        run = [sys.executable, "-m", "benchmarks.hidden_screens", "--measure", "--raters", str(given.raters)]
        subprocess.run(run, cwd=ROOT, env=env, check=True)


def measure(raters: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "storyblender_site.settings")
    import django

    django.setup()
    from tqdm import tqdm

    from annotations.campaigns.services.making import campaign_create
    from annotations.campaigns.spec import CampaignSpec

    spec = CampaignSpec.from_mapping(
        {
            "name": "hidden", "purpose": "evaluation", "dataset": "lakes", "split": "test",
            "systems": ["human", "gru", "lstm"], "criteria": ["human_likeness"], "items": ITEMS, "overlap": raters,
            "screens_per_rater": SCREENS, "quality": {"degraded": HIDDEN, "degraded_needed": 1},
        }
    )  # fmt: skip
    campaign = campaign_create(spec=spec)
    seen: list[tuple[bool, list[float]]] = []
    for number in tqdm(range(raters), disable=not sys.stderr.isatty()):
        seen += screens_of(campaign, f"10.0.{number // 200}.{number % 200}")
    hidden = [features for is_hidden, features in seen if is_hidden]
    ordinary = [features for is_hidden, features in seen if not is_hidden]
    table, found = [["told by", "area under the curve", "95 % of chance"]], {}
    # The standard error where nothing is told (Hanley and McNeil 1982, with an area of one half).
    error = ((len(hidden) + len(ordinary) + 1) / (12 * len(hidden) * len(ordinary))) ** 0.5
    for place, name in enumerate(NAMES):
        area = area_under([each[place] for each in hidden], [each[place] for each in ordinary])
        found[name] = area
        table.append([name, f"{area:.3f}", f"{0.5 - 1.96 * error:.3f} to {0.5 + 1.96 * error:.3f}"])
    print_table(table)
    print_result(areas=found, error=error, hidden=len(hidden), ordinary=len(ordinary), figure="chance")


def screens_of(campaign: Any, address: str) -> list[tuple[bool, list[float]]]:
    """Of each of a rater's screens whether it is hidden, and what can be looked at."""
    from django.test import Client

    from annotations.models import Assignment

    client, site = Client(REMOTE_ADDR=address, HTTP_HOST="127.0.0.1"), f"/rate/{campaign.token}/"
    page = client.post(f"{site}join/", {"rater": ""}, follow=True).content.decode()
    took, found = 0.0, list[tuple[bool, list[float]]]()
    while asked := re.search(rf"answer/({UUID.pattern})/", page):
        ids = list(dict.fromkeys(re.findall(rf'name="human_likeness:({UUID.pattern})"', page)))
        texts = TEXT.findall(page.partition('class="texts')[2])
        longest = max(range(len(texts)), key=lambda place: len(texts[place])) if texts else 0
        bare = len(page) - sum(map(len, texts))
        features = [len(found), took, bare - len(str(len(found))), float(ids[0] == min(ids)), longest]
        hidden = Assignment.objects.filter(public_id=asked[1], item__kind="control").exists()
        found.append((hidden, features))
        form = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.partition('id="answer"')[2]))
        # A rater who finds what is hidden, so that nobody is stopped: the fewer letters, the lower.
        scores = {f"human_likeness:{name}": str(min(100, len(text))) for name, text in zip(ids, texts, strict=True)}
        begun = time.perf_counter()
        sent = client.post(
            f"{site}answer/{asked[1]}/", {**form, **scores, "seconds": "2"}, headers={"HX-Request": "true"}
        )
        took, page = time.perf_counter() - begun, sent.content.decode()
    return found[1:]  # the first came with the page


def area_under(hidden: list[float], ordinary: list[float]) -> float:
    """The chance that a hidden screen's number is above an ordinary one's, ties being halves (Mann-Whitney)."""
    from scipy.stats import rankdata

    ranks = rankdata([*hidden, *ordinary])[: len(hidden)]
    return float((ranks.sum() - len(hidden) * (len(hidden) + 1) / 2) / (len(hidden) * len(ordinary)))


if __name__ == "__main__":
    main()
