"""Who did what to the site and its studies, and when. Entries are added, never changed: triggers hold it."""

from django.db import models
from django.db.models.functions import Now


class AuditEntry(models.Model):
    """One deed. It names people of the site alone: no rater's outside id, no link, token or key is ever in it."""

    class Kind(models.TextChoices):
        LOGIN = "login", "logged in"
        LOGIN_FAILED = "login_failed", "failed to log in"
        LOGOUT = "logout", "logged out"
        ACCOUNT = "account", "changed an account"
        PASSWORD = "password", "set a password"
        RUN_LAUNCH = "run_launch", "launched a run"
        RUN_CANCEL = "run_cancel", "cancelled a run"
        RUN_RETRY = "run_retry", "retried a run"
        PRUNE = "prune", "removed a checkpoint's files"
        REMOVE = "remove", "removed data"
        CAMPAIGN_CREATE = "campaign_create", "made a campaign"
        CAMPAIGN_CHANGE = "campaign_change", "changed a campaign"
        CAMPAIGN_CLOSE = "campaign_close", "closed a campaign"
        CAMPAIGN_DELETE = "campaign_delete", "deleted a draft"
        LINK = "link", "made links"
        EXCLUDE = "exclude", "left a rater out"
        WITHDRAW = "withdraw", "withdrew as a rater"
        READMIT = "readmit", "took a rater in again"
        ERASE = "erase", "erased a rater"
        EXPORT = "export", "exported"
        UNBLIND = "unblind", "looked before the close"
        BACKUP = "backup", "made a backup"
        RESTORE = "restore", "restored a backup"

    at = models.DateTimeField(db_default=Now(), editable=False)
    kind = models.CharField(max_length=15, choices=Kind)
    person = models.CharField(
        max_length=150, blank=True, help_text="an account, or the system's user; empty: not known"
    )
    shell = models.BooleanField(default=False, help_text="by a command, not on a page")
    address = models.GenericIPAddressField(
        null=True, help_text="of the person's browser, or where their shell came from"
    )
    about = models.CharField(max_length=200, blank=True, help_text="what it was done to")
    detail = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = "entry of the audit log"
        verbose_name_plural = "audit log"
        indexes = [models.Index(fields=["at"], name="audit_by_time")]

    def __str__(self) -> str:
        return f"{self.person or 'somebody'} {self.get_kind_display()} {self.about}".strip()
