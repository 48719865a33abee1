"""Each deed leaves exactly one entry in the audit log, which says who, and holds no token, link or outside id."""

import getpass
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import transaction
from django.test import Client

from annotations.audit.services import Shell, acting, audit_note
from annotations.campaigns.services.campaigns import campaign_close, campaign_named, spec_of
from annotations.campaigns.services.making import draft_delete, draft_replace
from annotations.campaigns.services.raters import rater_exclude
from annotations.models import AuditEntry, Campaign
from storyblender_site.accounts import account_make, password_link
from tests.annotations.raters import Rater
from tests.factories import DatasetFactory, DecodingFactory, SystemFactory, make_campaign
from workers.lifecycle import run_create
from workers.models import Checkpoint, Run

pytestmark = pytest.mark.django_db
OUTSIDE_ID = "PROLIFIC-5f3a9c"
Kind = AuditEntry.Kind
PASSWORD = "a long enough one"
REASON = "answers at Qrandomq"  # is in the report, and no business of the log


class Parts:
    """What the deeds are done to: a site with a rated campaign, a draft, a queued run and a checkpoint."""

    def __init__(self, tmp_path: Path) -> None:
        self.tmp_path, self.admin = tmp_path, Client()
        self.account = User.objects.create_superuser("ada", password=PASSWORD)
        self.admin.force_login(self.account)
        parts = make_campaign(captions=2, overlap=2)
        self.campaign = parts.campaign
        self.rater = Rater(self.campaign, OUTSIDE_ID)
        self.rater.submit(self.rater.next())
        self.run = run_create(kind="decode", config={})
        self.dataset = DatasetFactory()
        trained = Run.objects.create(kind="train", state="queued")
        Run.objects.filter(pk=trained.pk).update(state="cancelled", finished_at="2026-01-01T00:00Z")
        self.checkpoint = Checkpoint.objects.create(
            run=trained, system=SystemFactory(), directory="runs/x", sha256="0" * 64, size_bytes=1
        )

    def post(self, page: str, **form: Any) -> None:
        assert self.admin.post(f"/{page}", form).status_code == 302, page

    def get(self, page: str) -> None:
        answer = self.admin.get(f"/{page}")
        assert answer.status_code == 200, page
        b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]

    def page(self, rest: str) -> str:
        return f"campaigns/{self.campaign.pk}/{rest}"

    def report(self, rest: str) -> str:
        return f"reports/{self.campaign.pk}/{rest}"

    def close(self) -> None:
        campaign_close(campaign=self.campaign)

    def act(self, action: str, **form: Any) -> None:
        self.post(self.page("act/"), action=action, confirm="yes", **form)

    def state(self, state: str) -> None:
        Campaign.objects.update(state=state)


def log_in(name: str, password: str) -> None:
    Client().post("/login/", {"username": name, "password": password})


def by_link(site: Parts) -> None:
    [path] = re.findall(r"https?://[^/]+(/account/\S+)", password_link(site.account))
    client = Client()
    form = client.get(path, follow=True).redirect_chain[-1][0]
    assert client.post(form, {"new_password1": PASSWORD * 2, "new_password2": PASSWORD * 2}).status_code == 302


def exported(site: Parts, form: str) -> None:
    site.close()
    call_command("export_ratings", site.campaign.name, "--format", form, "--out", str(site.tmp_path / "r"))


# The kind of the one entry, who did it ("ada" on a page, the system's user in a shell), and the deed.
SHELL = getpass.getuser()
DEEDS: list[tuple[str, str, str, Callable[[Parts], Any]]] = [
    ("login", Kind.LOGIN, "ada", lambda site: log_in("ada", PASSWORD)),
    ("failed login", Kind.LOGIN_FAILED, "ada", lambda site: log_in("ada", "wrong")),
    ("login as nobody", Kind.LOGIN_FAILED, "", lambda site: log_in("a password typed as name", "x")),
    ("logout", Kind.LOGOUT, "ada", lambda site: site.admin.post("/logout/")),
    ("account", Kind.ACCOUNT, SHELL, lambda site: call_command("account_link", "bob", "--role", "researcher")),
    ("link of account", Kind.LINK, SHELL, lambda site: call_command("account_link", "ada")),
    ("password by link", Kind.PASSWORD, "ada", by_link),
    (
        "password",
        Kind.PASSWORD,
        "ada",
        lambda site: site.post(
            "settings/password/", old_password=PASSWORD, new_password1=PASSWORD * 2, new_password2=PASSWORD * 2
        ),
    ),
    ("delete account", Kind.ACCOUNT, "ada", lambda site: site.post(f"admin/auth/user/{bob().pk}/delete/", post="yes")),
    ("pause", Kind.CAMPAIGN_CHANGE, "ada", lambda site: site.act("pause")),
    ("extend", Kind.CAMPAIGN_CHANGE, "ada", lambda site: site.act("extend", overlap=3)),
    ("open", Kind.CAMPAIGN_CHANGE, "ada", lambda site: (site.state("paused"), site.act("open"))),
    ("archive", Kind.CAMPAIGN_CHANGE, "ada", lambda site: (site.state("closed"), site.act("archive"))),
    ("close", Kind.CAMPAIGN_CLOSE, "ada", lambda site: site.act("close")),
    ("close in a shell", Kind.CAMPAIGN_CLOSE, SHELL, lambda site: call_command("close_campaign", site.campaign.name)),
    ("campaign", Kind.CAMPAIGN_CREATE, SHELL, lambda site: made(site)),
    ("exclude", Kind.EXCLUDE, "ada", lambda site: exclude(site)),
    ("readmit", Kind.READMIT, "ada", lambda site: (exclude_quietly(site), exclude(site, "readmit"))),
    (
        "links",
        Kind.LINK,
        "ada",
        lambda site: site.admin.post(f"/{site.page('links/')}", {"raters": f"{OUTSIDE_ID}\nother"}),
    ),
    ("link", Kind.LINK, SHELL, lambda site: call_command("campaign_link", site.campaign.name, "--rater", OUTSIDE_ID)),
    ("erase", Kind.ERASE, "ada", lambda site: site.post(site.page("erase/"), rater=1, confirm="yes")),
    ("erase in a shell", Kind.ERASE, SHELL, lambda site: call_command("erase_rater", OUTSIDE_ID, "--yes")),
    ("unblind", Kind.UNBLIND, "ada", lambda site: site.post(site.report("unblind/"))),
    ("ratings", Kind.EXPORT, "ada", lambda site: (site.state("closed"), site.get(site.report("ratings.csv")))),
    ("report", Kind.EXPORT, "ada", lambda site: (site.state("closed"), site.get(site.report("report.json")))),
    ("export in a shell", Kind.EXPORT, SHELL, lambda site: exported(site, "jsonl")),
    ("audit log", Kind.EXPORT, "ada", lambda site: site.get("settings/audit/export.csv")),
    ("cancel", Kind.RUN_CANCEL, "ada", lambda site: site.post(f"runs/{site.run.pk}/cancel/act/")),
    (
        "cancel in a shell",
        Kind.RUN_CANCEL,
        SHELL,
        lambda site: call_command("runs", str(site.run.public_id), "--cancel"),
    ),
    ("retry", Kind.RUN_RETRY, "ada", lambda site: site.post(f"runs/{site.checkpoint.run_id}/retry/act/")),
    ("prune", Kind.PRUNE, "ada", lambda site: site.post(f"models/checkpoints/{site.checkpoint.pk}/prune/")),
    ("remove", Kind.REMOVE, "ada", lambda site: site.post(f"data/remove/dataset/{site.dataset.pk}/")),
    (
        "remove in a shell",
        Kind.REMOVE,
        SHELL,
        lambda site: call_command("remove", "dataset", site.dataset.name, "--yes"),
    ),
    ("launch", Kind.RUN_LAUNCH, SHELL, lambda site: launch(site)),
]


def bob() -> User:
    return account_make(name="bob", role="researcher")


def made(site: Parts) -> None:
    file = site.tmp_path / "campaign.toml"
    source = site.admin.get(f"/{site.page('campaign.toml')}").content.decode()
    file.write_text(source.replace(site.campaign.name, "another"))
    call_command("create_campaign", str(file))


def exclude(site: Parts, action: str = "exclude") -> None:
    site.post(site.page("exclude/"), action=action, rater=1, number=1, reason=REASON)


def exclude_quietly(site: Parts) -> None:
    rater_exclude(rater=site.campaign.raters.get(), reason=REASON)


def launch(site: Parts) -> None:
    DecodingFactory(dataset=site.campaign.dataset, system=SystemFactory(name="scored"))
    call_command("score", "--dataset", site.campaign.dataset.name, "--split", "test", "--metric", "chrf")


@pytest.mark.parametrize(("kind", "person", "deed"), [each[1:] for each in DEEDS], ids=[each[0] for each in DEEDS])
def test_a_deed_leaves_one_entry(
    kind: str, person: str, deed: Callable[[Parts], Any], tmp_path: Path, settings: Any
) -> None:
    settings.VAR_DIR = tmp_path
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # one that costs no time
    site = Parts(tmp_path)
    before = AuditEntry.objects.order_by("-pk").first()
    deed(site)
    entries = list(AuditEntry.objects.filter(pk__gt=before.pk if before else 0))
    assert [(entry.kind, entry.person, entry.shell) for entry in entries] == [(kind, person, person == SHELL)]
    assert (entries[0].address == "127.0.0.1") is not entries[0].shell
    said = f"{entries[0].about} {entries[0].detail}"
    secrets = [OUTSIDE_ID, site.campaign.token, site.rater.session, site.campaign.order_secret, PASSWORD, REASON]
    assert not any(secret in said for secret in secrets)


def test_every_kind_of_deed_is_tried() -> None:
    elsewhere = {Kind.BACKUP, Kind.RESTORE, Kind.CAMPAIGN_DELETE, Kind.WITHDRAW}  # in tests of their own
    assert {each[1] for each in DEEDS} | elsewhere == set(Kind)


def test_attempts_that_are_refused_unlooked_at_leave_nothing() -> None:
    """Entries stay for ever, and anybody can make attempts."""
    account_make(name="ada", role="researcher", password=PASSWORD)
    before = AuditEntry.objects.count()
    for _ in range(settings.AXES_FAILURE_LIMIT + 4):
        log_in("ada", "wrong")
    assert AuditEntry.objects.count() - before == settings.AXES_FAILURE_LIMIT


def test_an_entry_goes_with_its_deed() -> None:
    """Rolled back together; and what the site does by itself leaves none."""
    campaign = make_campaign().campaign
    with acting(Shell("ada", None)), transaction.atomic():
        campaign_close(campaign=campaign)
        assert AuditEntry.objects.count() == 1
        transaction.set_rollback(True)
    assert not AuditEntry.objects.exists()
    assert campaign_named(campaign.name).state == "open"
    audit_note(kind=Kind.BACKUP)
    assert not AuditEntry.objects.exists()


def test_a_draft_made_anew_or_deleted_is_one_deed() -> None:
    campaign = make_campaign().campaign
    Campaign.objects.update(state="draft")
    campaign.refresh_from_db()
    with acting(Shell("ada", None)):
        draft_delete(draft=draft_replace(draft=campaign, spec=spec_of(campaign)))
    assert list(AuditEntry.objects.values_list("kind", "about")) == [
        (Kind.CAMPAIGN_CHANGE, f"campaign '{campaign.name}'"),
        (Kind.CAMPAIGN_DELETE, f"campaign '{campaign.name}'"),
    ]


def test_admins_read_filter_and_export_it_and_researchers_do_not(staff: Client) -> None:
    staff.post("/logout/")
    staff.force_login(User.objects.get())
    page = "/settings/audit/"
    assert "logged out" in staff.get(page).content.decode()
    lines = b"".join(staff.get(f"{page}export.jsonl?kind=logout").streaming_content)  # type: ignore[attr-defined]
    assert [(each["person"], each["kind"]) for each in map(json.loads, lines.splitlines())] == [("admin", "logout")]
    for wrong in ("person=nobody", "since=x", "kind=none"):
        assert staff.get(f"{page}export.csv?{wrong}").status_code == 400, "rather than all of the log"
        assert 'class="wrong"' in staff.get(f"{page}?{wrong}").content.decode()
    researcher = Client()
    researcher.force_login(bob())
    for address in (page, f"{page}export.csv"):
        assert researcher.get(address).status_code == 403
