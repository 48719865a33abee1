"""What a campaign misses, and what would fill it, in a researcher's words."""

from collections.abc import Iterator

from annotations.campaigns.models import Campaign
from annotations.campaigns.monitoring.places import LAPSED, SKIPPED, TO_ANSWER, TO_JOIN, WORKING, Outlook
from annotations.plurals import counted

State = Campaign.State
PLACES = {
    WORKING: "being rated now",
    LAPSED: "left open, and free for whoever asks next",
    TO_JOIN: "kept for named raters who have not joined",
    TO_ANSWER: "kept for named raters who have joined",
    SKIPPED: "kept for named raters who skipped them",
}

BEFORE: dict[str, list[str]] = {
    State.DRAFT: ["Nobody can rate before the campaign is open."],
    State.PAUSED: ["Nobody can rate while the campaign is paused."],
}


def missing_rows(outlook: Outlook) -> list[tuple[str, int]]:
    """Where the missing answers are, and how many; only what there is."""
    rows = [(words, outlook.places.held[what]) for what, words in PLACES.items()]
    rows += [("free, for raters who take part", outlook.within_reach), ("free, for new raters", outlook.beyond_reach)]
    return [(words, count) for words, count in rows if count]


def filled_by(campaign: Campaign, outlook: Outlook) -> list[str]:
    """What would fill what is missing, in sentences."""
    missing = outlook.places.missing
    if not missing:
        return ["No answer is missing."]
    if campaign.state == State.CLOSED:
        return [f"The campaign was closed with {counted(missing, 'answers')} missing."]
    return [*BEFORE.get(campaign.state, []), *of_free(campaign, outlook), *of_held(outlook)]


def of_free(campaign: Campaign, outlook: Outlook) -> Iterator[str]:
    places, raters, needed = outlook.places, outlook.raters, outlook.new_raters
    if not places.free_places:
        return
    left = f"{counted(places.free_places, 'places')} {are(places.free_places)} left"
    left += f" on {counted(places.free_items, 'items')}"
    them, able = "it" if places.free_places == 1 else "them", raters.joined - raters.finished
    take_part = f"{counted(able, 'raters')} who {'takes' if able == 1 else 'take'} part can"
    if not raters.joined:
        yield f"{left}, and nobody takes part yet: at least {counted(needed, 'raters')} {are(needed)} needed."
    elif not outlook.within_reach:
        yield f"{left}; everyone who takes part {had(campaign, outlook)}: {more(needed)} would fill {them}."
    elif not outlook.beyond_reach:
        yield f"{left}. The {take_part} fill {them}; if none comes back, {more(outlook.instead)} would."
    else:
        why = "a rater gets an item once"
        if raters.screens == outlook.within_reach:
            why = f"one rater may answer only {counted(campaign.screens_per_rater, 'screens')}"
        yield f"{left}. The {take_part} fill {outlook.within_reach:,} of them."
        yield f"Since {why}, {more(needed)} {are(needed)} needed for the other {outlook.beyond_reach:,}."


def had(campaign: Campaign, outlook: Outlook) -> str:
    """Why nobody who takes part can fill any of what is free."""
    raters, had_it = outlook.raters, "has had it" if outlook.places.free_items == 1 else "has had them"
    all_answered = f"has answered the {counted(campaign.screens_per_rater, 'screens')} that one rater may"
    if raters.finished == raters.joined:
        return all_answered
    if raters.screens == 0:
        return f"has only checks left, or {all_answered}"
    return f"{had_it} or {all_answered}" if raters.finished else had_it


def of_held(outlook: Outlook) -> Iterator[str]:
    to_join, skipped = (outlook.places.held[what] for what in (TO_JOIN, SKIPPED))
    if to_join:
        have = "has" if outlook.absent == 1 else "have"
        named = counted(outlook.absent, "named raters")
        yield f"{counted(to_join, 'places')} {are(to_join)} kept for {named} who {have} not joined."
    if skipped:
        yield (
            f"{counted(skipped, 'places')} {are(skipped)} kept for raters who skipped the item. Nobody else gets it "
            "unless such a rater is excluded and others may rate their screens."
        )


def more(count: int) -> str:
    return f"{count:,} more {'rater' if count == 1 else 'raters'}"


def are(count: int) -> str:
    return "is" if count == 1 else "are"
