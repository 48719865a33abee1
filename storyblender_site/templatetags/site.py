"""What the frame of every page shows: the nouns of the site, and light or dark."""

from typing import NamedTuple

from django import template
from django.urls import reverse
from django.utils.text import slugify

from storyblender_site.site.account import THEMES
from storyblender_site.site.guides import terms

register = template.Library()


class Noun(NamedTuple):
    name: str
    address: str
    current: bool


NOUNS = {  # by the first part of their addresses: the first page, and who may see it
    "data": ("Data", "datasets", "annotations.view_dataset"),
    "models": ("Models", "systems", "annotations.view_system"),
    "campaigns": ("Campaigns", "campaigns", "annotations.view_campaign"),
    "reports": ("Reports", "reports", "annotations.view_report"),
    "runs": ("Runs", "runs", "workers.view_run"),
    "settings": ("Settings", "settings", ""),
}
GUIDES = {  # where pages are described: by the first of these that their address begins with
    "data/feedback": "researcher/#feedback",
    "data/remove": "researcher/#removing",
    "data/import/ratings": "researcher/#importing-ratings",
    "data": "researcher/#importing",
    "models/generations": "researcher/#generations",
    "models/rewards": "researcher/#reward-models",
    "models/outputs": "researcher/#attention-maps",
    "models": "researcher/#reading-the-scores",
    "campaigns/new": "researcher/#campaigns",
    "campaigns": "researcher/#campaign-pages",
    "reports/compare": "researcher/#comparing-campaigns",
    "reports": "researcher/#exports",
    "runs/launch/generation": "researcher/#generations",
    "runs/launch/reward": "researcher/#reward-models",
    "runs/launch/feedback": "researcher/#feedback",
    "runs/launch/decode": "researcher/#decoding",
    "runs/launch/attention": "researcher/#attention-maps",
    "runs/launch/score": "researcher/#reading-the-scores",
    "runs": "researcher/#training",
    "settings": "engineer/#accounts",
}


@register.simple_tag(takes_context=True)
def navigation(context: template.Context) -> list[Noun]:
    """The nouns that this visitor may see."""
    request = context["request"]
    here = request.resolver_match.route.partition("/")[0] if request.resolver_match else ""
    return [
        Noun(name, reverse(page), part == here)
        for part, (name, page, permission) in NOUNS.items()
        if not permission or request.user.has_perm(permission)
    ]


@register.simple_tag(takes_context=True)
def help_address(context: template.Context) -> str:
    """The part of the guides that is about this page."""
    path = context["request"].path_info.strip("/")
    part = next((part for part in GUIDES if path == part or path.startswith(f"{part}/")), "")
    return reverse("help") + GUIDES.get(part, "researcher/")


@register.inclusion_tag("site/_term.html")
def term(name: str, shown: str = "") -> dict[str, str]:
    """A word with what the glossary says of it behind."""
    return {"name": name, "shown": shown or name, "meaning": terms()[name], "id": f"term-{slugify(name)}"}


@register.simple_tag(takes_context=True)
def theme(context: template.Context) -> str:
    chosen = context["request"].COOKIES.get("theme", "")
    return chosen if chosen in THEMES else ""
