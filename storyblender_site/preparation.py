"""What is done before the site serves: the database brought up to date, static files collected, the store checked.

A person waits for it at every start, so what is up to date already takes no time.
"""

import io

from django.apps import apps
from django.core.management import call_command
from django.core.management.sql import emit_post_migrate_signal
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Model


def prepare() -> None:
    """Raises SystemCheckError where the database does not hold what protects ratings."""
    database_update()
    call_command("collectstatic", interactive=False, verbosity=0)
    # What an installation can get wrong; mistakes in the code are found by its tests.
    call_command("check", tags=["database", "security"], databases=[DEFAULT_DB_ALIAS], stdout=io.StringIO())


def database_update() -> None:
    """Migrate; with nothing to migrate, still look after what follows it: triggers, rights, built-in systems."""
    executor = MigrationExecutor(connection)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        emit_post_migrate_signal(verbosity=0, interactive=False, db=DEFAULT_DB_ALIAS)
    elif connection.vendor == "sqlite" and not connection.introspection.table_names():
        tables_make(executor)
        emit_post_migrate_signal(verbosity=0, interactive=False, db=DEFAULT_DB_ALIAS)
    else:
        call_command("migrate", verbosity=0)


def is_behind() -> bool:
    """Whether the database lacks migrations, as one does that nothing was started on yet; not if it cannot be asked."""
    try:
        executor = MigrationExecutor(connection)
    except DatabaseError:
        return False
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def tables_make(executor: MigrationExecutor) -> None:
    """The tables of an empty database as the models have them, and all migrations noted as done, in one transaction.

    It is what the migrations lead to, in a tenth of the time: most of theirs goes into building every model anew for
    every step. A migration that writes rows has to write them after a migration as well (`post_migrate`), and a test
    compares the two databases.
    """
    models: list[type[Model]] = [*apps.get_models(), executor.recorder.Migration]
    with connection.schema_editor() as editor:
        for model in models:
            if model._meta.can_migrate(connection):
                editor.create_model(model)
        for app, name in executor.loader.graph.nodes:
            executor.recorder.record_applied(app, name)
