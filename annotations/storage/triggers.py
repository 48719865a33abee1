"""The triggers that keep ratings, remarks, rewrites, questionnaires, kept reports and the audit log from being changed,
deleted or replaced, on both databases.

They are made after every `migrate` where they are missing, since on SQLite a migration that rebuilds the table drops
them silently, and made anew where they are not as they are declared here. The system check `annotations.E001` fails
until then. What ends in a statement of another kind
is refused too: TRUNCATE, which `flush` sends to PostgreSQL, and SQLite's INSERT OR REPLACE, which deletes the row it
meets without a delete trigger. Ratings of an import that is not complete, which nobody has seen, may go with it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.core.management.base import CommandError
from django.db import connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import CreateModel, DeleteModel


@dataclass(frozen=True)
class Kept:
    """A model whose rows stay as they were written; `fixed` are the columns that do, where not all of them. A change of
    `column` is let through where the SQL condition `let` holds, in which `{new}` is the row as it would be; a deletion
    where `let_go` does, in which `{old}` is the row."""

    model: str
    refusal: str  # what is said; `{}` is what was tried
    fixed: tuple[str, ...] = ()
    column: str = ""
    let: str = ""
    let_go: str = ""

    @property
    def options(self) -> Any:
        return apps.get_model("annotations", self.model)._meta

    @property
    def table(self) -> str:
        return str(self.options.db_table)


OF_RATER_WHO_LEFT = """{{new}}.{column} = '' AND EXISTS (SELECT 1 FROM annotations_rating JOIN annotations_assignment
ON annotations_assignment.id = assignment_id JOIN annotations_rater ON annotations_rater.id = rater_id
WHERE annotations_rating.id = {{new}}.rating_id AND (erased_at IS NOT NULL OR ended_by = 'withdrawn'))""".replace(
    "\n", " "
)

KEPT = (
    Kept(
        "rating",
        "ratings are never {}: add a revision",
        let_go="EXISTS (SELECT 1 FROM annotations_assignment a JOIN annotations_item i ON i.id = a.item_id"
        " JOIN annotations_campaign c ON c.id = i.campaign_id WHERE a.id = {old}.assignment_id"
        " AND c.unfinished_until IS NOT NULL AND c.imported_by_id IS NOT NULL)",
    ),
    Kept(
        "report",
        "kept reports are never {}: make a new one",
        ("id", "campaign_id", "look", "content", "sha256", "created_at"),
    ),
    Kept("auditentry", "entries of the audit log are never {}"),
    Kept(
        "remark",
        "what raters remarked is never {}: it is blanked where its rater was erased or withdrew",
        ("id", "rating_id", "reason"),
        "comment",
        OF_RATER_WHO_LEFT.format(column="comment"),
    ),
    Kept(
        "rewrite",
        "what raters rewrote is never {}: it is blanked where its rater was erased or withdrew",
        ("id", "rating_id", "candidate_id"),
        "text",
        OF_RATER_WHO_LEFT.format(column="text"),
    ),
    Kept(
        "questionnaireanswer",
        "what raters answered of questionnaires is never {}: it is blanked where its rater was erased or withdrew",
        ("id", "rater_id", "form", "attempt", "passed", "created_at"),
        "answers",
        "{new}.answers = '{{}}' AND EXISTS (SELECT 1 FROM annotations_rater r"
        " WHERE r.id = {new}.rater_id AND (r.erased_at IS NOT NULL OR r.ended_by = 'withdrawn'))",
        # with a draft that was tried out, from when nobody sees it
        "EXISTS (SELECT 1 FROM annotations_rater r JOIN annotations_campaign c ON c.id = r.campaign_id"
        " WHERE r.id = {old}.rater_id AND c.unfinished_until IS NOT NULL)",
    ),
)


@dataclass(frozen=True)
class Trigger:
    name: str
    table: str
    create: str  # the statement that makes it, word for word as the database gives it back


def triggers_of(connection: BaseDatabaseWrapper, kept: Kept) -> Iterator[Trigger]:
    """The triggers that a table has on this database."""
    columns = f" OF {', '.join(kept.fixed)}" if kept.fixed else ""
    events = [("update", f"UPDATE{columns}", "changed"), ("delete", "DELETE", "deleted")]
    if connection.vendor == "postgresql":
        for event, when, tried in [*events, ("truncate", "TRUNCATE", "deleted")]:
            level = "STATEMENT" if event == "truncate" else "ROW"
            name = f"{kept.model}_no_{event}"
            let = f", '{kept.let_go.format(old='($1)')}'" if kept.let_go and event == "delete" else ""
            yield Trigger(
                name,
                kept.table,
                f"CREATE TRIGGER {name} BEFORE {when} ON {kept.table} FOR EACH {level} "
                f"EXECUTE FUNCTION annotations_refuse('{kept.refusal.format(tried)}'{let})",
            )
        if kept.let:
            name, let = f"{kept.model}_no_rewording", kept.let.format(new="($1)").replace("'", "''")
            yield Trigger(
                name,
                kept.table,
                f"CREATE TRIGGER {name} BEFORE UPDATE OF {kept.column} ON {kept.table} FOR EACH ROW "
                f"EXECUTE FUNCTION annotations_refuse('{kept.refusal.format('changed')}', '{let}')",
            )
        return
    met = f"EXISTS (SELECT 1 FROM {kept.table} WHERE {same_row_as_new(kept)})"
    for event, when, tried in [*events, ("replace", "INSERT", "replaced")]:
        name, condition = f"{kept.model}_no_{event}", f" WHEN {met}" if event == "replace" else ""
        if kept.let_go and event == "delete":
            condition = f" WHEN NOT ({kept.let_go.format(old='OLD')})"
        raised = f"SELECT RAISE(ABORT, '{kept.refusal.format(tried)}');"
        yield Trigger(
            name, kept.table, f"CREATE TRIGGER {name} BEFORE {when} ON {kept.table}{condition} BEGIN {raised} END"
        )
    if kept.let:
        name, raised = f"{kept.model}_no_rewording", f"SELECT RAISE(ABORT, '{kept.refusal.format('changed')}');"
        when = f"WHEN NOT ({kept.let.format(new='NEW')})"
        yield Trigger(
            name,
            kept.table,
            f"CREATE TRIGGER {name} BEFORE UPDATE OF {kept.column} ON {kept.table} {when} BEGIN {raised} END",
        )


def same_row_as_new(kept: Kept) -> str:
    """The SQL condition under which a row stands in the way of a new one: they agree in what is unique."""
    columns = {field.name: field.column for field in kept.options.local_fields}
    unique = [(field.column,) for field in kept.options.local_fields if field.unique]
    unique += [
        tuple(columns[name] for name in constraint.fields)
        for constraint in kept.options.constraints
        if isinstance(constraint, models.UniqueConstraint)
    ]
    return " OR ".join("(" + " AND ".join(f"{name} = NEW.{name}" for name in group) + ")" for group in unique)


# An empty table may be truncated: nothing is lost, and a test's flush is not in the way of anything.
POSTGRESQL_BODY = """
DECLARE
    filled boolean := true;
    let boolean;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.%I)', TG_TABLE_SCHEMA, TG_TABLE_NAME) INTO filled;
    ELSIF TG_NARGS > 1 AND TG_OP = 'DELETE' THEN
        EXECUTE 'SELECT ' || TG_ARGV[1] INTO let USING OLD;
        IF let THEN
            RETURN OLD;
        END IF;
    ELSIF TG_NARGS > 1 THEN
        EXECUTE 'SELECT ' || TG_ARGV[1] INTO let USING NEW;
        IF let THEN
            RETURN NEW;
        END IF;
    END IF;
    IF filled THEN
        RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
"""
POSTGRESQL_FUNCTION = f"""
CREATE OR REPLACE FUNCTION annotations_refuse() RETURNS trigger LANGUAGE plpgsql AS $${POSTGRESQL_BODY}$$
"""
POSTGRESQL_PRESENT = """
SELECT pg_get_triggerdef(pg_trigger.oid, true) FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
WHERE NOT tgisinternal AND tgenabled <> 'D' AND prosrc = %s
"""


def missing_triggers(connection: BaseDatabaseWrapper) -> list[str]:
    """Names of the triggers that are not there as they should be; none of a table that is not there itself."""
    return [trigger.name for trigger in missing(connection)]


def missing(connection: BaseDatabaseWrapper) -> list[Trigger]:
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        if connection.vendor == "postgresql":
            cursor.execute(POSTGRESQL_PRESENT, [POSTGRESQL_BODY])
        else:
            cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'")
        present = {row[0] for row in cursor.fetchall()}
    expected = (trigger for kept in KEPT if kept.table in tables for trigger in triggers_of(connection, kept))
    return [trigger for trigger in expected if trigger.create not in present]


def create_missing_triggers(using: str, **kwargs: Any) -> None:
    """Receiver of `post_migrate`."""
    connection = connections[using]
    lacking = missing(connection)
    if not lacking:
        return
    with transaction.atomic(using=using), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(POSTGRESQL_FUNCTION)
        for trigger in lacking:
            cursor.execute(drop_statement(connection, trigger))
            cursor.execute(trigger.create)


def drop_triggers(connection: BaseDatabaseWrapper) -> None:
    """Lift the protection: for who replaces all rows at once, and makes it again in the same transaction."""
    with connection.cursor() as cursor:
        for kept in KEPT:
            for trigger in triggers_of(connection, kept):
                cursor.execute(drop_statement(connection, trigger))


def drop_statement(connection: BaseDatabaseWrapper, trigger: Trigger) -> str:
    on_table = f" ON {trigger.table}" if connection.vendor == "postgresql" else ""
    return f"DROP TRIGGER IF EXISTS {trigger.name}{on_table}"


def refuse_to_drop(using: str, plan: list[tuple[Any, bool]], **kwargs: Any) -> None:
    """Receiver of `pre_migrate`: no migration drops a table that holds rows which are kept."""
    dropped = {
        (migration.app_label, operation.name_lower)
        for migration, backwards in plan
        for operation in migration.operations
        if isinstance(operation, CreateModel if backwards else DeleteModel)
    }
    connection = connections[using]
    for kept in KEPT:
        if ("annotations", kept.model) not in dropped:
            continue
        with connection.cursor() as cursor:
            if kept.table not in connection.introspection.table_names(cursor):
                continue
            cursor.execute(f"SELECT count(*) FROM {kept.table}")
            (rows,) = cursor.fetchone()
        if rows:
            raise CommandError(
                f"this migration would drop {kept.table} with its {rows} rows, which are never deleted; "
                "for an empty site take a new database"
            )
