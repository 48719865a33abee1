"""Forms that launch what learns from ratings: a feedback set, and a reward model fitted on one."""

from django import forms

from annotations.feedback.services import FeedbackSettings
from annotations.models import Campaign, FeedbackSet
from annotations.storage.fields import NameField
from modeling.config import RewardConfig
from workers.jobs import feedback, reward
from workers.launch_form import LaunchForm, queue_field, setting_field
from workers.models import Run


class FeedbackForm(LaunchForm):
    title = "Build a feedback set"
    explanation = (
        "What raters of feedback campaigns found, as scores, preferences, labels and marked errors that a model can "
        "learn from; an evaluation campaign can never feed training. The set is frozen once it is built."
    )
    button = "Build"
    further = ("criteria", "admit_pasted", "simulated", "beta")

    name = NameField()
    campaigns = forms.ModelMultipleChoiceField(
        Campaign.objects.filter(purpose=Campaign.Purpose.FEEDBACK).order_by("-pk"),
        to_field_name="name",
        widget=forms.CheckboxSelectMultiple,
    )
    criteria = forms.CharField(
        required=False, help_text="The names of those that count, with commas between. If empty: all of each campaign."
    )
    admit_pasted = forms.BooleanField(
        required=False, label="Admit pasted rewrites", help_text="Rewrites with pasted text count as well."
    )
    simulated = forms.BooleanField(
        required=False,
        label="Admit simulated raters",
        help_text="Campaigns of simulated raters count as well. The set, and every model trained on it, then says so.",
    )
    beta = forms.FloatField(
        initial=FeedbackSettings.beta,
        help_text=(
            "How strongly scores weigh where a model learns by weighted likelihood: weight = clip(exp(beta score), "
            "0.1, 3); with 0, all texts have the same weight."
        ),
    )

    def launch(self) -> Run:
        given = self.cleaned_data
        names = [campaign.name for campaign in given["campaigns"]]
        return feedback.launch(
            name=given["name"],
            campaigns=names,
            beta=given["beta"],
            criteria=[name.strip() for name in given["criteria"].split(",") if name.strip()],
            admit_pasted=given["admit_pasted"],
            simulated=given["simulated"],
        )


class RewardForm(LaunchForm):
    title = "Fit a reward model"
    explanation = (
        "It learns from a feedback set how good raters would find a text for a source, and says how far it agrees with "
        "raters it did not see. Decodings can then keep the best of several texts. It is a judge of a kind, never a "
        "person."
    )
    button = "Fit"
    further = ("folds", "l2", "seed", "queue")

    name = NameField()
    feedback = forms.ModelChoiceField(
        FeedbackSet.objects.filter(valid=True).order_by("-pk"), to_field_name="name", label="Feedback set"
    )
    folds = setting_field(RewardConfig, "folds")
    l2 = setting_field(RewardConfig, "l2", label="L2 penalty")
    seed = setting_field(RewardConfig, "seed")
    queue = queue_field()

    def launch(self) -> Run:
        given = self.cleaned_data
        return reward.launch(
            name=given["name"],
            feedback=given["feedback"].name,
            overrides=self.overrides(["folds", "l2", "seed"]),
            queue=given["queue"],
        )
