"""What raters answered before and after the screens."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from annotations.campaigns.models.raters import Rater
from annotations.campaigns.questionnaires import FORMS


class QuestionnaireAnswer(models.Model):
    """A form as a rater sent it. Rows are added, never changed: but once its rater is erased the answers are blank."""

    rater = models.ForeignKey(Rater, models.CASCADE, related_name="questionnaires", db_index=False)
    form = models.CharField(max_length=13, choices=FORMS)
    attempt = models.PositiveSmallIntegerField(default=1)
    answers = models.JSONField(help_text="by question; what was left empty is not there")
    passed = models.BooleanField(null=True, blank=True, help_text="a comprehension check; empty: any other form")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rater", "form", "attempt"], name="questionnaire_attempt_once"),
            models.CheckConstraint(condition=Q(form__in=list(FORMS)), name="questionnaire_form_known"),
            models.CheckConstraint(condition=Q(attempt__gte=1), name="questionnaire_attempt_from_one"),
            models.CheckConstraint(
                condition=Q(form="comprehension", passed__isnull=False) | (~Q(form="comprehension") & Q(passed=None)),
                name="questionnaire_passed_of_comprehension",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rater_id}: {self.form} {self.attempt}"
