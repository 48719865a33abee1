"""The start page: the steps of the workflow, what there is of each, and where each is begun."""

from typing import Any

from django import template
from django.urls import reverse

from annotations.models import Campaign, Dataset, Decoding, FeedbackSet, Report
from workers.models import Checkpoint, Generation, Run

register = template.Library()


def figure(count: int, name: str, page: str, query: str = "") -> dict[str, Any]:
    return {"count": count, "name": name if count == 1 else f"{name}s", "address": reverse(f"admin:{page}") + query}


def link(text: str, page: str, *args: str) -> dict[str, str]:
    return {"text": text, "address": reverse(f"admin:{page}", args=args)}


@register.simple_tag
def loop_steps() -> list[dict[str, Any]]:
    busy = Run.objects.filter(state__in=["queued", "running"]).count()
    going_on = Campaign.objects.current().filter(state="open").count()
    return [
        {
            "title": "Import",
            "text": "VIST's own files, JSON lines of captions and stories, a system's outputs, or ratings.",
            "figures": [figure(Dataset.objects.count(), "dataset", "annotations_dataset_changelist")],
            "links": [link("Import files", "workers_run_import", "vist")],
        },
        {
            "title": "Train",
            "text": "A model learns from captions and the sentences people wrote for the same photos.",
            "figures": [
                figure(Checkpoint.objects.count(), "trained model", "workers_checkpoint_changelist"),
                figure(busy, "waiting or running run", "workers_run_changelist", "?state__in=queued,running"),
            ],
            "links": [link("Train a model", "workers_run_launch", "train")],
        },
        {
            "title": "Decode and score",
            "text": "A trained model writes for a split; automatic metrics say how it compares.",
            "figures": [figure(Decoding.objects.complete().count(), "decoding", "annotations_system_changelist")],
            "links": [link("Decode", "workers_run_launch", "decode"), link("Score", "workers_run_launch", "score")],
        },
        {
            "title": "Rate",
            "text": "People judge, blind, what systems and people wrote.",
            "figures": [
                figure(going_on, "open campaign", "annotations_campaign_changelist", "?state__exact=open"),
                figure(Campaign.objects.count(), "campaign", "annotations_campaign_changelist"),
            ],
            "links": [link("New campaign", "annotations_campaign_new")],
        },
        {
            "title": "Report",
            "text": "How human each system reads, with intervals; shown once a campaign is closed.",
            "figures": [
                figure(
                    Report.objects.values("campaign").distinct().count(),
                    "report",
                    "annotations_campaign_changelist",
                    "?state__exact=closed",
                )
            ],
            "links": [link("Compare campaigns", "annotations_campaign_compare")],
        },
        {
            "title": "Feed back",
            "text": "Ratings of feedback campaigns teach a new model, which raters compare with the one before.",
            "figures": [
                figure(FeedbackSet.objects.count(), "feedback set", "annotations_feedbackset_changelist"),
                figure(Generation.objects.count(), "generation", "workers_generation_changelist"),
            ],
            "links": [
                link("Train the next generation", "workers_run_launch", "generation"),
                link("Build a feedback set", "workers_run_launch", "feedback"),
            ],
        },
    ]
