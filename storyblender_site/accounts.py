"""Who may do what. An admin may do all; a researcher what the group allows; anybody else nothing. A rater needs no
account: their link is enough, and opens nothing but their own screens."""

from django.contrib.auth.models import Group, Permission, User
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from annotations.audit.services import Deed, audit_note
from annotations.campaigns.links import site_link
from annotations.errors import InputError, NotFoundError
from texts.storable import storable

RESEARCHERS = "researchers"
RESEARCHERS_MAY = (
    ("annotations", ("view_dataset", "view_system", "view_feedbackset", "view_report")),
    ("annotations", ("view_campaign", "add_campaign", "change_campaign")),
    ("annotations", ("delete_dataset", "delete_system", "delete_import")),
    (
        "workers",
        (
            "view_run",
            "add_run",
            "change_run",
            "view_checkpoint",
            "delete_checkpoint",
            "view_rewardmodel",
            "view_generation",
            "view_listener",
        ),
    ),
)
ROLES = ("researcher", "admin")


def researchers_group_make(*, using: str = "default") -> Group:
    """The group with exactly its permissions; called after every `migrate`."""
    group, _ = Group.objects.using(using).get_or_create(name=RESEARCHERS)
    permissions = Permission.objects.using(using)
    group.permissions.set(
        [
            permissions.get(content_type__app_label=app, codename=codename)
            for app, codenames in RESEARCHERS_MAY
            for codename in codenames
        ]
    )
    return group


@transaction.atomic
def account_make(*, name: str, role: str, password: str | None = None) -> User:
    """A new account, which without a password cannot log in before its link is used.

    Raises InputError for a name that is taken or not a name.
    """
    if role not in ROLES:
        raise InputError("role", f"'{role}' is not one of {', '.join(ROLES)}")
    user = User(username=name, is_staff=True, is_superuser=role == "admin")
    user.set_password(password)
    try:
        user.clean_fields(exclude=["password"])
    except ValidationError as error:
        raise InputError("", f"account '{name}': {' '.join(error.messages)}") from error
    if User.objects.filter(username=name).exists():
        raise InputError("", f"account '{name}' already exists")
    user.save()
    if role == "researcher":
        user.groups.add(researchers_group_make())
    audit_note(kind=Deed.ACCOUNT, about=f"account '{name}'", detail=f"created as {role}")
    return user


def account_named(name: str) -> User:
    user = User.objects.filter(username=name).first() if storable(name) else None
    if user is None:
        there = ", ".join(User.objects.order_by("username").values_list("username", flat=True)[:20])
        raise NotFoundError(
            "", f"account '{name}' does not exist", f"available: {there or 'none yet'}; --role creates a new one"
        )
    return user


def password_link(user: User) -> str:
    """A link to set a new password: good once, for a week, until the password changes or its owner logs in."""
    uid, token = urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)
    return site_link(reverse("password_reset_confirm", args=[uid, token]))
