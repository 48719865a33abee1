"""Every address of the researcher's site, by its nouns; raters' pages are in `annotations.urls`."""

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, path

from annotations.audit import views as audit
from annotations.campaigns.views import campaigns, listing, monitoring, recruiting
from annotations.campaigns.views import sources as source_pages
from annotations.corpora import views as corpora
from annotations.removal import views as erasing
from annotations.search import views as search
from annotations.systems import views as content
from annotations.web.pages import OnDemand, View
from storyblender_site.site import account, guides, people
from workers import list_views as lists
from workers import removal_views as removal

comparison = OnDemand("annotations.reports.views.comparison")
generations = OnDemand("workers.generations.views")
models = OnDemand("workers.model_views")
reports = OnDemand("annotations.reports.views.reports")
start = OnDemand("storyblender_site.site.start")
views = OnDemand("workers.views")


def below(part: str, *patterns: tuple[str, View, str]) -> list[URLPattern]:
    return [path(f"{part}/{route}", view, name=name) for route, view, name in patterns]


DATA = below(
    "data",
    ("", corpora.datasets, "datasets"),
    ("<int:pk>/", lists.dataset, "dataset"),
    ("<int:pk>/sources/", search.sources, "sources"),
    ("search/", search.search, "search"),
    ("sources/<int:pk>/", source_pages.source, "source"),
    ("<int:pk>/split/<str:split>/", content.first_album, "first_album"),
    ("albums/<int:pk>/", content.album, "album"),
    ("photos/<int:pk>/", content.photo, "photo"),
    ("import/<str:form>/", views.import_files, "import"),
    ("feedback/", lists.feedback_sets, "feedback_sets"),
    ("feedback/<int:pk>/", lists.feedback_set, "feedback_set"),
    ("feedback/<int:pk>/export.jsonl", views.export_feedback, "feedback_set_export"),
    *((f"remove/{kind}/<int:pk>/", view, f"remove_{kind}") for kind, view in removal.VIEWS.items()),
)
MODELS = below(
    "models",
    ("", models.systems, "systems"),
    ("all/", lists.all_systems, "systems_all"),
    ("compare/", models.outputs_compare, "outputs_compare"),
    ("<int:pk>/", views.show_system, "system"),
    ("outputs/<int:pk>/", views.show_output, "output"),
    ("checkpoints/", lists.checkpoints, "checkpoints"),
    ("checkpoints/<int:pk>/prune/", views.prune, "checkpoint_prune"),
    ("checkpoints/<int:pk>/confirm/", views.prune_confirm, "checkpoint_confirm"),
    ("rewards/", lists.reward_models, "reward_models"),
    ("generations/", generations.index, "generations"),
    ("generations/<int:pk>/", generations.show_generation, "generation"),
    ("generations/<int:pk>/watch/", generations.watch, "generation_watch"),
    ("generations/<int:pk>/<str:action>/act/", generations.act, "generation_act"),
)
CAMPAIGNS = below(
    "campaigns",
    ("", listing.index, "campaigns"),
    ("new/", campaigns.add, "campaign_new"),
    ("count/", campaigns.count, "campaign_count"),
    ("<int:pk>/", lists.campaign, "campaign"),
    ("<int:pk>/copy/", campaigns.add, "campaign_copy"),
    ("<int:pk>/edit/", campaigns.edit, "campaign_edit"),
    ("<int:pk>/act/", campaigns.act, "campaign_act"),
    ("<int:pk>/progress/", monitoring.progress, "campaign_progress"),
    ("<int:pk>/raters/", monitoring.raters, "campaign_raters"),
    ("<int:pk>/raters/<uuid:rater>/", monitoring.rater, "campaign_rater"),
    ("<int:pk>/items/", monitoring.items, "campaign_items"),
    ("<int:pk>/items/<int:number>/", monitoring.item, "campaign_item"),
    ("<int:pk>/exclude/", campaigns.exclude, "campaign_exclude"),
    ("<int:pk>/erase/", erasing.erase, "campaign_erase"),
    ("<int:pk>/links/", campaigns.invite, "campaign_links"),
    ("<int:pk>/try/", campaigns.try_out, "campaign_try"),
    ("<int:pk>/preview/<int:screen>/", campaigns.preview, "campaign_preview"),
    ("<int:pk>/photo/<uuid:item>/<int:place>/", campaigns.photo, "campaign_photo"),
    ("<int:pk>/pay.csv", recruiting.payments, "campaign_pay"),
    ("<int:pk>/campaign.toml", campaigns.toml, "campaign_toml"),
    ("<int:pk>/preregistration.md", reports.preregister, "campaign_preregister"),
    ("<int:pk>/questionnaires.csv", reports.questionnaires, "campaign_questionnaires"),
)
REPORTS = below(
    "reports",
    ("", listing.reports, "reports"),
    ("compare/", comparison.page, "compare"),
    ("compare.<str:form>", comparison.export, "compare_export"),
    ("<int:pk>/", reports.page, "report"),
    ("<int:pk>/unblind/", reports.unblind, "report_unblind"),
    ("<int:pk>/share/", reports.share, "report_share"),
    ("<int:pk>/report.<str:form>", reports.export, "report_export"),
    ("<int:pk>/ratings.<str:form>", reports.ratings, "ratings_export"),
)
RUNS = below(
    "runs",
    ("", lists.runs, "runs"),
    ("compare/", views.runs_compare, "runs_compare"),
    ("launch/<str:kind>/", views.launch, "launch"),
    ("pretrained/<str:name>/", views.base, "pretrained"),
    ("<int:pk>/", views.show_run, "run"),
    ("<int:pk>/watch/", views.watch, "run_watch"),
    ("<int:pk>/<str:action>/act/", views.act, "run_act"),
)
SETTINGS = below(
    "settings",
    ("", account.settings_page, "settings"),
    ("theme/", account.theme, "theme"),
    ("password/", account.SitePasswordView.as_view(), "password_change"),
    ("workers/", lists.workers, "workers"),
    ("people/", people.people, "people"),
    ("people/<int:pk>/<str:action>/", people.act, "people_act"),
    ("audit/", audit.page, "audit"),
    ("audit/export.<str:form>", audit.export, "audit_export"),
)
HELP = below(
    "help",
    ("", guides.index, "help"),
    ("<str:name>/", guides.page, "guide"),
    ("pictures/<str:name>", guides.picture, "guide_picture"),
)
urlpatterns = [
    path("", start.page, name="start"),
    path("login/", account.SiteLoginView.as_view(), name="login"),
    path("shared/<str:token>/", login_not_required(reports.shared), name="shared_report"),
    path("logout/", LogoutView.as_view(), name="logout"),
    *DATA, *MODELS, *CAMPAIGNS, *REPORTS, *RUNS, *SETTINGS, *HELP,
]  # fmt: skip
