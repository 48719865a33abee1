"""The deeds of accounts that Django does by itself, noted in the audit log: logins, passwords, changes of accounts."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.contrib.auth.views import PasswordResetConfirmView
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

from annotations.audit.services import Deed, audit_note, audit_write
from annotations.web.client_address import client_address
from texts.storable import storable


@receiver(user_logged_in)
def note_login(user: User, request: HttpRequest, **kwargs: Any) -> None:
    audit_write(kind=Deed.LOGIN, person=user.get_username(), address=client_address(request) or None)


@receiver(user_logged_out)
def note_logout(user: User | None, request: HttpRequest, **kwargs: Any) -> None:
    if user is not None:
        audit_write(kind=Deed.LOGOUT, person=user.get_username(), address=client_address(request) or None)


@receiver(user_login_failed)
def note_failed_login(credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    """Under the name of an account alone: what else is typed there may be a password. Attempts that are refused without
    a look, as too many failed before, leave nothing: entries stay for ever, and anybody can make attempts."""
    if getattr(request, "login_refused", False):
        return
    typed = str(credentials.get("username", ""))
    known = storable(typed) and User.objects.filter(username=typed).exists()
    about, address = "" if known else "no account with that name", client_address(request) if request else ""
    audit_write(kind=Deed.LOGIN_FAILED, person=typed if known else "", address=address or None, about=about)


class Noted(admin.ModelAdmin):
    """Notes what is done to accounts on the admin's pages, where Django logs it."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self.note(obj, "made")
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        changed = [
            field for part in message if isinstance(part, dict) for field in part.get("changed", {}).get("fields", [])
        ]
        self.note(obj, f"changed: {', '.join(map(str, changed))}" if changed else "changed")
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for row in queryset:
            self.note(row, "deleted")
        return super().log_deletions(request, queryset)

    def note(self, row: Any, detail: str) -> None:
        what = "account" if isinstance(row, User) else "group"
        audit_note(kind=Deed.ACCOUNT, about=f"{what} '{row}'", detail=detail)


admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class NotedUserAdmin(Noted, UserAdmin):
    pass


@admin.register(Group)
class NotedGroupAdmin(Noted, GroupAdmin):
    pass


class PasswordByLinkView(PasswordResetConfirmView):
    """Sets a password by the link that `account_link` prints."""

    template_name = "site/set_password.html"

    @transaction.atomic
    def form_valid(self, form: Any) -> Any:
        name, address = form.user.get_username(), client_address(self.request) or None
        audit_write(kind=Deed.PASSWORD, person=name, address=address, about=f"account '{name}'", detail="by a link")
        return super().form_valid(form)
