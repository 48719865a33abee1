from django.apps import AppConfig


class WorkersConfig(AppConfig):
    name = "workers"
    verbose_name = "Runs and models"

    def ready(self) -> None:
        from annotations.removal.erasing import outside_id_erased, words_erased
        from workers.erasing import files_forget, runs_forget

        outside_id_erased.connect(runs_forget)
        words_erased.connect(files_forget)
