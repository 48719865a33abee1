"""A feedback run: from the ratings of feedback campaigns to a frozen training set."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from annotations.errors import ConflictError, InputError
from annotations.feedback.services import FeedbackSettings, check_campaigns, feedback_set_build
from annotations.models import Campaign, FeedbackExample, FeedbackSet
from annotations.names import check_name
from workers.lifecycle import Claim, run_create
from workers.lookup import by_name
from workers.models import Run


def launch(
    *,
    name: str,
    campaigns: Sequence[str],
    beta: float | None = None,
    criteria: Sequence[str] = (),
    admit_pasted: bool = False,
    simulated: bool = False,
    queue: str = "cpu",
    claimed: bool = False,
) -> Run:
    """Make a feedback run, queued, or claimed by this process. Campaigns that cannot feed training raise InputError."""
    name = check_name(name, "name")
    rows = [by_name(Campaign.objects.all(), campaign, "campaign") for campaign in campaigns]
    if not rows:
        raise InputError("campaigns", "give at least one feedback campaign with --campaign")
    settings = FeedbackSettings(
        beta=FeedbackSettings.beta if beta is None else beta,
        criteria=tuple(sorted(set(criteria))),
        admit_pasted=admit_pasted,
        simulated=simulated,
    )
    check_campaigns(rows, settings)
    if FeedbackSet.objects.filter(name=name).exists():
        raise ConflictError(
            "", f"feedback set '{name}' already exists, and feedback sets are frozen", "choose another name"
        )
    config = {"name": name, "campaigns": [row.name for row in rows], "settings": settings.to_dict()}
    return run_create(kind=Run.Kind.FEEDBACK, config=config, dataset=rows[0].dataset, queue=queue, claimed=claimed)


def perform(claim: Claim) -> None:
    """Build the set, unless an earlier attempt has and died before it could say so."""
    run = claim.run
    claim.progress(0.0, "weighting the ratings")
    feedback_set = run.feedback_set or set_make(claim)
    counts = feedback_set.counts
    run.message = in_words(feedback_set)
    run.result = {
        "feedback_set": feedback_set.name,
        "sha256": feedback_set.sha256,
        "simulated": feedback_set.simulated,
        **{key: value for key, value in counts.items() if isinstance(value, int)},
        **counts["kinds"],
    }


def set_make(claim: Claim) -> FeedbackSet:
    config = claim.run.config

    @contextmanager
    def last_write(row: FeedbackSet) -> Iterator[None]:
        with claim.fenced():
            yield
            claim.save(feedback_set=row)

    return feedback_set_build(
        name=config["name"],
        campaigns=[by_name(Campaign.objects.all(), each, "campaign") for each in config["campaigns"]],
        settings=FeedbackSettings.from_dict(config["settings"]),
        last_write=last_write,
    )


def in_words(row: FeedbackSet) -> str:
    """How many examples of each kind it has."""
    kinds = FeedbackExample.Kind
    counted = ", ".join(f"{count:,} {kinds(kind).label}" for kind, count in row.counts["kinds"].items())
    return f"{counted}, of simulated raters" if row.simulated else counted
