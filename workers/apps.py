from django.apps import AppConfig


class WorkersConfig(AppConfig):
    name = "workers"
    verbose_name = "Runs and models"

    def ready(self) -> None:
        from annotations.removal.erasing import outside_id_erased
        from workers.erasing import runs_forget

        outside_id_erased.connect(runs_forget)
