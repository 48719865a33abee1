"""Forms that launch what learns from ratings: a feedback set, a reward model fitted on one, the next generation."""

from django import forms

from annotations.feedback.services import FeedbackSettings
from annotations.models import Campaign, FeedbackSet
from annotations.protocols import shown_here
from annotations.storage.fields import NameField
from modeling.config import RewardConfig, preset_names
from workers.generations.chain import generation_begin
from workers.jobs import feedback, fetching, reward
from workers.launch_form import (
    OBJECTIVES,
    LaunchForm,
    decoding_field,
    queue_field,
    setting_field,
    trained_systems,
    training_field,
)
from workers.models import Generation, Run


def criteria_field() -> forms.CharField:
    return forms.CharField(
        required=False, help_text="The names of those that count, with commas between. If empty: all of each campaign."
    )


def names_in(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def pasted_field() -> forms.BooleanField:
    return forms.BooleanField(
        required=False, label="Admit pasted rewrites", help_text="Rewrites with pasted text count as well."
    )


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
    criteria = criteria_field()
    admit_pasted = pasted_field()
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
            criteria=names_in(given["criteria"]),
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


class ClosedField(forms.ModelMultipleChoiceField):
    beside = "workers/_unrated.html"  # what to do where there is none


class GenerationForm(LaunchForm):
    title = "Train the next generation"
    explanation = (
        "From the ratings of closed feedback campaigns to a new model, and to a campaign that compares it, blind, with "
        "the model before and with people: a feedback set, a reward model, a training, two decodings and their scores, "
        "made one after the other. All of them bear the generation's name."
    )
    button = "Begin"
    of_training = ("budget", "objective", "anchor", "beta")
    of_decodings = ("temperature", "top_p")
    further = (
        "preset", "objective", "anchor", "beta", "criteria", "admit_pasted", "simulated", "reward", "unseen_albums",
        *of_decodings, "queue",
    )  # fmt: skip

    name = NameField(help_text="Of the generation and of the new model.")
    campaigns = ClosedField(
        Campaign.objects.filter(purpose=Campaign.Purpose.FEEDBACK, state=Campaign.State.CLOSED).order_by("-pk"),
        to_field_name="name",
        label="Feedback campaigns",
        widget=forms.CheckboxSelectMultiple,
        help_text="Closed ones, whose ratings it learns from.",
    )
    system = forms.ModelChoiceField(
        trained_systems(),
        to_field_name="name",
        required=False,
        empty_label="the only trained system of the first campaign",
        label="Model before",
        help_text="The trained system to go on from, which the new model is compared with.",
    )
    budget = forms.FloatField(
        min_value=1,
        initial=240,
        required=False,
        label="Budget, in seconds",
        help_text="Of the training: CPU seconds, or GPU seconds on a GPU. If empty: the preset's own limit.",
    )
    best_of = forms.IntegerField(
        min_value=1,
        initial=1,
        label="Best of",
        help_text="How many texts the new model writes for each source, of which the reward model chooses the one that "
        "is shown. 1: the text as it is sampled.",
    )
    items = forms.IntegerField(
        min_value=1, required=False, help_text="Of the new campaign. If empty: as in the first feedback campaign."
    )
    overlap = forms.IntegerField(
        min_value=1, required=False, help_text="Raters per item. If empty: as in the first feedback campaign."
    )
    protocol = forms.ChoiceField(
        choices=lambda: [("", "as in the first feedback campaign"), *((name, name) for name in shown_here())],
        required=False,
        help_text="How raters answer in the new campaign.",
    )
    preset = forms.ChoiceField(
        choices=lambda: [
            ("", "that of the model before"),
            *((name, name) for name in preset_names()),
            *fetching.fetched_presets(),
        ],
        required=False,
    )
    objective = training_field(
        "objective",
        choices=[("", "the first of dpo, kto and unlikelihood that there is feedback for"), *OBJECTIVES],
        help_text="What is learned from the feedback set.",
    )
    anchor = training_field("anchor", help_text="Weight of the negative log-likelihood of human texts.")
    beta = training_field("beta", help_text="How strongly the model is held to the one before; simpo: the scale.")
    criteria = criteria_field()
    admit_pasted = pasted_field()
    simulated = forms.BooleanField(
        required=False,
        label="Admit simulated raters",
        help_text="Campaigns of simulated raters count as well. Everything that follows then says so.",
    )
    reward = forms.BooleanField(
        required=False,
        initial=True,
        label="Fit a reward model",
        help_text="It says beside the training what raters would find of its texts, and chooses the best of several.",
    )
    unseen_albums = forms.BooleanField(
        required=False,
        initial=True,
        label="Only unseen albums",
        help_text="The new campaign shows albums that no campaign has shown before.",
    )
    temperature = decoding_field("temperature", empty="the usual one of its kind of model", help_text="Of both models.")
    top_p = decoding_field(
        "top_p",
        empty="the usual one of its kind of model",
        label="Top p",
        help_text="Of both models: probability mass to sample from.",
    )
    queue = queue_field()

    def launch(self) -> Generation:
        given = self.cleaned_data
        return generation_begin(
            name=given["name"],
            campaigns=[campaign.name for campaign in given["campaigns"]],
            system=given["system"].name if given["system"] else None,
            criteria=names_in(given["criteria"]),
            admit_pasted=given["admit_pasted"],
            simulated=given["simulated"],
            preset=given["preset"] or None,
            overrides=self.overrides(self.of_training),
            reward=given["reward"],
            best_of=given["best_of"],
            decoding=self.overrides(self.of_decodings),
            campaign={key: given[key] or None for key in ("items", "overlap", "protocol")}
            | {"unseen_albums": given["unseen_albums"]},
            queue=given["queue"],
        )
