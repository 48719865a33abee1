"""Runs, and what they train. The run row is the truth; the broker is only a doorbell (see workers.lifecycle)."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from annotations.models import Campaign, Dataset, Decoding, FeedbackSet, Import, System
from annotations.storage.clock import from_now
from annotations.storage.fields import name_column, name_length


class GenerationQuerySet(models.QuerySet):
    def going_on(self) -> "GenerationQuerySet":
        """Those whose next run is made once the one before is done."""
        return self.filter(completed_at=None, stopped_at=None, problem="")


class Generation(models.Model):
    """One turn of the loop: from the ratings of feedback campaigns to a model that learned from them, and a campaign in
    which raters compare it, blind, with the model before it and with people.

    It is a chain of runs, each of which is made once the one before is done; all that they make bears its name.
    """

    class Step(models.TextChoices):
        FEEDBACK = "feedback", "Build the feedback set"
        REWARD = "reward", "Fit a reward model"
        TRAIN = "train", "Train the new model"
        DECODE_BEFORE = "decode_before", "Decode with the model before"
        DECODE = "decode", "Decode with the new model"
        SCORE = "score", "Score both"
        CAMPAIGN = "campaign", "Open the campaign"

    name = name_column()
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="generations")
    before = models.ForeignKey(System, models.PROTECT, related_name="+", help_text="the model that it goes on from")
    config = models.JSONField(default=dict, help_text="what was asked for, complete")
    simulated = models.BooleanField(default=False, help_text="it learned from simulated raters")
    accepts_worse = models.BooleanField(default=False, help_text="it goes on although guard rails call its model worse")
    problem = models.TextField(blank=True, default="", help_text="why the next run was not made")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    stopped_at = models.DateTimeField(null=True, blank=True, help_text="when a person stopped it")
    completed_at = models.DateTimeField(null=True, blank=True, help_text="when its last run was done")

    objects = GenerationQuerySet.as_manager()

    class Meta:
        constraints = [name_length("generation")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("generation", args=[self.pk])


class RunQuerySet(models.QuerySet):
    def claimable(self) -> "RunQuerySet":
        return self.filter(state=Run.State.QUEUED)

    def in_progress(self) -> "RunQuerySet":
        return self.filter(state=Run.State.RUNNING)

    def silent(self) -> "RunQuerySet":
        """Those in progress whose last beat is too long ago; one from the future is of before a clock was set back."""
        lost_after = settings.RUN_LOST_AFTER_SECONDS
        return self.in_progress().exclude(heartbeat_at__gt=from_now(-lost_after), heartbeat_at__lt=from_now(lost_after))

    def unheard(self) -> "RunQuerySet":
        """Those that wait and that no worker was told of lately."""
        lately = settings.RUN_RING_AGAIN_SECONDS
        return self.claimable().exclude(rung_at__gt=from_now(-lately), rung_at__lt=from_now(lately))


class Run(models.Model):
    """A job of one of the kinds below, with its state and progress.

    `attempt` grows with every claim and is the fencing token: a write that carries an older one is refused.
    """

    class Kind(models.TextChoices):
        TRAIN = "train"
        DECODE = "decode"
        SCORE = "score"
        FEEDBACK = "feedback"
        REWARD = "reward"
        ATTENTION = "attention"
        IMPORT = "import"
        PICTURES = "pictures"
        FETCH = "fetch"
        CAMPAIGN = "campaign"

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=9, choices=Kind)
    state = models.CharField(max_length=9, choices=State, default=State.QUEUED)
    queue = models.CharField(max_length=3, choices=[("cpu", "cpu"), ("gpu", "gpu")], default="cpu")
    config = models.JSONField(default=dict, help_text="what was asked for, complete: a retry needs nothing else")

    attempt = models.PositiveIntegerField(default=0)
    stalled_attempts = models.PositiveIntegerField(default=0, help_text="given up in a row, none getting further")
    deaths = models.PositiveIntegerField(default=0, help_text="worker processes that died while they did it")
    claimed_by = models.CharField(max_length=200, blank=True, help_text="host and process of the claim")
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    cancel_requested = models.BooleanField(default=False)
    rung_at = models.DateTimeField(null=True, blank=True, help_text="when the workers were last told of it")

    fraction = models.FloatField(default=0.0, help_text="progress, 0 to 1")
    message = models.CharField(max_length=500, blank=True, help_text="what it is doing, or how it ended")
    history = models.JSONField(default=list, help_text="rows of a curve over the run: step, loss, …")
    log = models.JSONField(default=list, help_text="its last lines: [ISO time, text]")
    fraction_at_claim = models.FloatField(default=0.0, help_text="how far it was when this attempt began")
    result = models.JSONField(default=dict)

    dataset = models.ForeignKey(Dataset, models.CASCADE, null=True, blank=True, related_name="+")
    system = models.ForeignKey(System, models.PROTECT, null=True, blank=True, related_name="runs")
    feedback_set = models.ForeignKey(FeedbackSet, models.PROTECT, null=True, blank=True, related_name="runs")
    decoding = models.OneToOneField(Decoding, models.SET_NULL, null=True, blank=True, related_name="run")
    campaign = models.ForeignKey(Campaign, models.CASCADE, null=True, blank=True, related_name="+")
    import_row = models.OneToOneField(Import, models.SET_NULL, null=True, blank=True, related_name="run")
    generation = models.ForeignKey(Generation, models.CASCADE, null=True, blank=True, related_name="runs")
    step = models.CharField(max_length=13, choices=Generation.Step, blank=True, help_text="of the generation")

    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "train",
                        "decode",
                        "score",
                        "feedback",
                        "reward",
                        "attention",
                        "import",
                        "pictures",
                        "fetch",
                        "campaign",
                    ]
                ),
                name="run_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(state="running", heartbeat_at__isnull=False) | ~Q(state="running"),
                name="run_running_beats",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["done", "failed", "cancelled"], finished_at__isnull=False)
                | Q(state__in=["queued", "running"], finished_at=None),
                name="run_finished_has_time",
            ),
            models.CheckConstraint(condition=Q(fraction__gte=0, fraction__lte=1), name="run_fraction_in_range"),
            models.UniqueConstraint(
                fields=["system"],
                condition=Q(kind="train", state__in=["queued", "running", "done"]),
                name="run_one_training_a_system",
            ),
            models.UniqueConstraint(fields=["generation", "step"], name="run_one_of_each_step"),
        ]
        indexes = [models.Index(fields=["state", "queue"], name="run_by_state")]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"

    def get_absolute_url(self) -> str:
        return reverse("run", args=[self.pk])

    @property
    def about(self) -> str:
        """What it is of: a system, what is built or fetched, or a dataset."""
        return str(self.system or self.config.get("name") or self.config.get("dataset") or "")

    @property
    def finished(self) -> bool:
        return self.state not in (self.State.QUEUED, self.State.RUNNING)

    @property
    def repeatable(self) -> bool:
        """Whether a worker can do it again: not an import of files that are only where its process read them."""
        return self.kind not in (self.Kind.IMPORT, self.Kind.PICTURES) or bool(self.config.get("uploaded"))


class Checkpoint(models.Model):
    """A trained model on disk: safetensors and JSON under `VAR_DIR`, nothing pickled."""

    run = models.OneToOneField(Run, models.PROTECT, related_name="checkpoint")
    system = models.OneToOneField(System, models.PROTECT, related_name="checkpoint")
    directory = models.CharField(max_length=500, help_text="relative to VAR_DIR")
    sha256 = models.CharField(max_length=64, help_text="of the weights file")
    size_bytes = models.PositiveBigIntegerField()
    metrics = models.JSONField(default=dict)
    worse = models.TextField(
        blank=True, default="", help_text="what learning from feedback has cost, where that is too much to offer it"
    )
    pruned_at = models.DateTimeField(null=True, blank=True, help_text="when its files were removed; the row stays")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return self.directory


class RewardModelQuerySet(models.QuerySet):
    def usable(self) -> "RewardModelQuerySet":
        """Those of valid feedback sets: of a rater who was erased nothing is used any more."""
        return self.filter(feedback_set__valid=True)


class RewardModel(models.Model):
    """What a reward run fitted, on disk: a linear head as safetensors, and JSON that says what it is. It is valid as
    long as its feedback set is."""

    name = name_column()
    run = models.OneToOneField(Run, models.PROTECT, related_name="reward_model")
    feedback_set = models.ForeignKey(FeedbackSet, models.PROTECT, related_name="reward_models")
    dataset = models.ForeignKey(Dataset, models.PROTECT, related_name="reward_models")
    directory = models.CharField(max_length=500, help_text="relative to VAR_DIR")
    sha256 = models.CharField(max_length=64, help_text="of the head")
    size_bytes = models.PositiveBigIntegerField()
    agreement = models.JSONField(help_text="with raters it did not see, beside their own, with intervals")
    simulated = models.BooleanField(default=False, help_text="its feedback set is of simulated raters")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = RewardModelQuerySet.as_manager()

    class Meta:
        constraints = [name_length("reward_model")]

    def __str__(self) -> str:
        return self.name

    @property
    def valid(self) -> bool:
        return self.feedback_set.valid


class ListenerQuerySet(models.QuerySet):
    def alive(self) -> "ListenerQuerySet":
        """Those seen lately; a beat from the future is of before the clock was set back, and no sign of life."""
        lost_after = settings.LISTENER_LOST_AFTER_SECONDS
        return self.filter(seen_at__gt=from_now(-lost_after), seen_at__lt=from_now(lost_after))

    def idle(self) -> "ListenerQuerySet":
        """Those alive that hold no run."""
        return self.alive().exclude(name__in=Run.objects.in_progress().values("claimed_by"))


class Listener(models.Model):
    """A worker process and the queues it takes runs from, or a sweeper, which has none. It beats while it lives."""

    name = models.CharField(max_length=200, unique=True, help_text="host and process")
    queues = models.JSONField(help_text="names of the queues it listens to")
    presets = models.JSONField(default=list, help_text="what trains the pretrained models on its host")
    seen_at = models.DateTimeField()

    objects = ListenerQuerySet.as_manager()

    class Meta:
        verbose_name = "worker process"
        verbose_name_plural = "worker processes"

    def __str__(self) -> str:
        return f"{self.name} on {', '.join(self.queues)}"
