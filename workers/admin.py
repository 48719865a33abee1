"""Runs and what they make, in Django's admin; Runs › Add leads to the forms that launch one."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from annotations.admin import RowsAdmin
from workers import models


@admin.register(models.Run)
class RunAdmin(RowsAdmin):
    list_display = ("__str__", "state", "queue", "message", "created_at")
    list_filter = ("kind", "state", "queue")
    exclude = ("history", "log")  # the live page shows them

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("workers.add_run")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return redirect("launch", "train")


@admin.register(models.Generation)
class GenerationAdmin(RowsAdmin):
    list_display = ("name", "before", "problem", "created_at")
    list_select_related = ("before",)


@admin.register(models.Checkpoint)
class CheckpointAdmin(RowsAdmin):
    list_display = ("system", "directory", "size_bytes", "pruned_at", "created_at")
    list_select_related = ("system",)


@admin.register(models.RewardModel)
class RewardModelAdmin(RowsAdmin):
    list_display = ("name", "feedback_set", "simulated", "created_at")
    list_select_related = ("feedback_set",)


@admin.register(models.Listener)
class ListenerAdmin(RowsAdmin):
    list_display = ("name", "queues", "seen_at")
    ordering = ("name",)
