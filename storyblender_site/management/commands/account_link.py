from typing import Any

from django.core.management.base import CommandParser

from annotations.management.base import AnswerCommand
from annotations.services.audit import Deed, audit_note
from storyblender_site.accounts import ROLES, account_make, account_named, password_link


class Command(AnswerCommand):
    help = "Print a link with which an account sets a new password; with --role the account is made."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--role", choices=ROLES, help="make the account, with what this role may do")

    def answer(self, **options: Any) -> dict[str, Any]:
        name, role = options["name"], options["role"]
        user = account_make(name=name, role=role) if role else account_named(name)
        if not role:
            audit_note(kind=Deed.LINK, about=f"account '{user.username}'", detail="a link to set its password")
        return {"account": user.username, "link": password_link(user)}
