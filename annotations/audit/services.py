"""The one writer of the audit log. A deed's service notes it in the deed's own transaction, so that neither is there
without the other; who did it is known from the request or the command that is under way."""

import getpass
import ipaddress
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.http import HttpRequest

from annotations.audit.models import AuditEntry
from annotations.web.client_address import client_address
from texts.storable import escaped

Deed = AuditEntry.Kind


@dataclass(frozen=True)
class Shell:
    """A command that a person runs."""

    user: str
    address: str | None  # where they came from by SSH


_doing: ContextVar[HttpRequest | Shell | None] = ContextVar("audit_doing", default=None)


def of_campaign(name: str) -> str:
    """What entries about a campaign are about."""
    return f"campaign '{name}'"


def audit_note(*, kind: AuditEntry.Kind, about: str = "", detail: str = "") -> None:
    """Add the entry of a deed, by whoever is at work. Nothing is noted of what the site does by itself."""
    doing = _doing.get()
    if doing is None:
        return
    if isinstance(doing, Shell):
        person, address = doing.user, doing.address
    else:
        user = getattr(doing, "user", None)
        person = user.get_username() if user is not None and user.is_authenticated else ""
        address = client_address(doing) or None
    audit_write(kind=kind, person=person, shell=isinstance(doing, Shell), address=address, about=about, detail=detail)


def audit_write(
    *, kind: AuditEntry.Kind, person: str, shell: bool = False, address: str | None, about: str = "", detail: str = ""
) -> None:
    """Add an entry whose person is known otherwise than by what is under way."""
    AuditEntry.objects.create(
        kind=kind,
        person=escaped(person)[:150],
        shell=shell,
        address=address,
        about=escaped(about)[:200],
        detail=escaped(detail)[:300],
    )


@contextmanager
def acting(doing: HttpRequest | Shell | None) -> Iterator[None]:
    """Whose deeds those in the block are."""
    token = _doing.set(doing)
    try:
        yield
    finally:
        _doing.reset(token)


def this_shell() -> Shell:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = f"uid {os.getuid()}"
    came_from = os.environ.get("SSH_CONNECTION", "").split(" ")[0]
    return Shell(user, came_from if is_address(came_from) else None)


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
