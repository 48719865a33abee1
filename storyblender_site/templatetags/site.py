"""What the frame of every page shows: the nouns of the site, and light or dark."""

from typing import NamedTuple

from django import template
from django.urls import reverse

from storyblender_site.site.account import THEMES

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
def theme(context: template.Context) -> str:
    chosen = context["request"].COOKIES.get("theme", "")
    return chosen if chosen in THEMES else ""
