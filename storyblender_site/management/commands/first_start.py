from typing import Any

from django.urls import reverse

from annotations.campaigns.links import rater_link, site_link
from annotations.management.base import AnswerCommand
from storyblender_site.first_start import ADMIN, admin_make, samples_make


class Command(AnswerCommand):
    help = (
        "Create the first admin account and the synthetic sample campaign, and print their links; if run again, reuse "
        "them."
    )

    def answer(self, **options: Any) -> dict[str, Any]:
        password = admin_make()
        site = site_link(reverse("start"))
        secret = f"user {ADMIN}, password {password}" if password else "the password you set"
        forgotten = "" if password else " (forgotten? .venv/bin/python manage.py account_link admin)"
        if not options["json"]:
            self.stdout.write(f"\n  Site   {site}  {secret}{forgotten}")
            self.stdout.flush()
        with self.share() as watch:
            campaign = samples_make(watch)
        link = rater_link(campaign)
        if not options["json"]:
            self.stdout.write(f"\n  Rate   {link}  (synthetic samples)\n  Site   {site}  {secret}\n")
            return {}
        return {"site": site, "user": ADMIN, "password": password, "rate": link, "campaign": campaign.name}
