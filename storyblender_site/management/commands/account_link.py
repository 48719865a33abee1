from typing import Any

from django.core.management.base import CommandParser

from annotations.audit.services import Deed, audit_note
from annotations.management.base import AnswerCommand
from storyblender_site.accounts import ROLES, account_make, account_named, password_link


class Command(AnswerCommand):
    help = "Print a link for setting the password of an account; with --role, create the account."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--role", choices=ROLES, help="create the account with this role")

    def answer(self, **options: Any) -> dict[str, Any]:
        name, role = options["name"], options["role"]
        user = account_make(name=name, role=role) if role else account_named(name)
        if not role:
            audit_note(kind=Deed.LINK, about=f"account '{user.username}'", detail="a link for setting its password")
        return {"account": user.username, "link": password_link(user)}
