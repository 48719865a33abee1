"""Who works with the site: a colleague is invited with a role, and sets a password by the link."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from annotations.audit.services import Deed, audit_note
from annotations.errors import InputError
from annotations.web.forms import show_problem
from annotations.web.lists import listed
from annotations.web.pages import page_for, render_page
from storyblender_site.accounts import account_make, password_link

ROLES = [
    ("researcher", "researcher: imports, launches, campaigns, reports"),
    ("admin", "admin: everything, accounts and the audit log too"),
]


class InviteForm(forms.Form):
    name = forms.CharField(label="Name", max_length=150, help_text="What they log in with; letters, digits and @.+-_")
    role = forms.ChoiceField(choices=ROLES, label="Role")


def people_page(request: HttpRequest, form: InviteForm, **more: Any) -> HttpResponse:
    rows = User.objects.order_by("username").prefetch_related("groups")
    context = {**listed(request, rows), "here": reverse("people"), "form": form, **more}
    return render_page(request, "site/people.html", "People", context)


@require_http_methods(["GET", "POST"])
@page_for("auth.view_user")
def people(request: HttpRequest) -> HttpResponse:
    """The accounts; a POST invites somebody, and shows their link, which is kept nowhere."""
    form = InviteForm(request.POST or None)
    if request.method == "POST" and request.user.has_perm("auth.add_user") and form.is_valid():
        try:
            account = account_make(name=form.cleaned_data["name"], role=form.cleaned_data["role"])
        except InputError as error:
            show_problem(form, error)
        else:
            return people_page(request, InviteForm(), invited=account, link=password_link(account))
    return people_page(request, form)


@require_POST
@page_for("auth.change_user")
@transaction.atomic
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """A new link for a lost password, or an account closed or opened again; nobody closes their own."""
    account = get_object_or_404(User, pk=pk)
    if action == "link":
        audit_note(kind=Deed.LINK, about=f"account '{account.username}'", detail="a link for setting its password")
        return people_page(request, InviteForm(), invited=account, link=password_link(account))
    if action not in ("close", "open"):
        raise Http404
    if account.pk == request.user.pk:
        messages.error(request, "You cannot close the account that you are using.")
        return redirect("people")
    account.is_active = action == "open"
    account.save(update_fields=["is_active"])
    done = "opened again" if account.is_active else "closed"
    audit_note(kind=Deed.ACCOUNT, about=f"account '{account.username}'", detail=done)
    messages.success(request, f"The account '{account.username}' is {done}.")
    return redirect("people")
