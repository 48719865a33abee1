"""A feedback run: from the ratings of feedback campaigns to a frozen training set."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from annotations.errors import ConflictError, InputError
from annotations.feedback.services import FeedbackSettings, check_campaigns, feedback_set_build
from annotations.models import Campaign, FeedbackSet
from annotations.names import check_name
from workers.lifecycle import Claim, run_create
from workers.lookup import by_name
from workers.models import Run


def launch(
    *, name: str, campaigns: Sequence[str], beta: float | None = None, queue: str = "cpu", claimed: bool = False
) -> Run:
    """Make a feedback run, queued, or claimed by this process. Campaigns that cannot feed training raise InputError."""
    name = check_name(name, "name")
    rows = [by_name(Campaign.objects.all(), campaign, "campaign") for campaign in campaigns]
    if not rows:
        raise InputError("campaigns", "give at least one feedback campaign with --campaign")
    check_campaigns(rows)
    if FeedbackSet.objects.filter(name=name).exists():
        raise ConflictError(
            "", f"feedback set '{name}' already exists, and feedback sets are frozen", "choose another name"
        )
    settings = FeedbackSettings() if beta is None else FeedbackSettings(beta=beta)
    config = {"name": name, "campaigns": list(campaigns), "settings": settings.to_dict()}
    return run_create(kind=Run.Kind.FEEDBACK, config=config, dataset=rows[0].dataset, queue=queue, claimed=claimed)


def perform(claim: Claim) -> None:
    run, config = claim.run, claim.run.config
    claim.progress(0.0, "weighting the ratings")

    @contextmanager
    def last_write(row: FeedbackSet) -> Iterator[None]:
        with claim.fenced():
            yield
            claim.save(feedback_set=row)

    feedback_set = feedback_set_build(
        name=config["name"],
        campaigns=list(Campaign.objects.filter(name__in=config["campaigns"])),
        settings=FeedbackSettings(**config["settings"]),
        last_write=last_write,
    )
    run.message = f"{feedback_set.counts['examples']} rated texts"
    run.result = {"feedback_set": feedback_set.name, "sha256": feedback_set.sha256, **feedback_set.counts}
