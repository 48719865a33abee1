"""The rows as they are, in Django's admin: looked at there, and written by the services behind the site's pages."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from annotations import models


class RowsAdmin(admin.ModelAdmin):
    """A list and every field of a row; whatever changes rows is a page of the site."""

    actions = None
    list_per_page = 50
    show_full_result_count = False
    ordering = ("-pk",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(models.Campaign)
class CampaignAdmin(RowsAdmin):
    list_display = ("name", "state", "purpose", "dataset", "created_at")
    list_filter = ("state", "purpose")
    list_select_related = ("dataset",)
    search_fields = ("name",)
    exclude = ("order_secret", "token")  # who knows them knows which system wrote what, or joins


@admin.register(models.Dataset)
class DatasetAdmin(RowsAdmin):
    list_display = ("name", "created_at")
    search_fields = ("name",)


@admin.register(models.System)
class SystemAdmin(RowsAdmin):
    list_display = ("name", "kind", "created_at")
    list_filter = ("kind",)
    search_fields = ("name",)


@admin.register(models.FeedbackSet)
class FeedbackSetAdmin(RowsAdmin):
    list_display = ("name", "dataset", "simulated", "created_at")
    list_select_related = ("dataset",)


@admin.register(models.AuditEntry)
class AuditEntryAdmin(RowsAdmin):
    """For admins alone: no other role has the permission to view it."""

    list_display = ("at", "person", "address", "kind", "about", "detail")
    list_filter = ("kind",)
    search_fields = ("person", "about", "detail")
