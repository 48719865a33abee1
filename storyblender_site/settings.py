"""One settings module, driven by the environment.

Two ways to run (see docs/engineer.md): embedded, with SQLite and a filesystem broker under `VAR_DIR`, is what happens
when nothing is set; `DATABASE_URL` and `REDIS_URL` switch to services you have.
"""

import logging
import secrets
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
import structlog
from django.core.exceptions import ImproperlyConfigured

from modeling import bases
from storyblender_site.addresses import THIS_MACHINE, served_at, site_address, trusted_proxies
from storyblender_site.files import database_private
from storyblender_site.production import problems

BASE_DIR = Path(__file__).resolve().parent.parent
PROTOCOLS = BASE_DIR / "annotations" / "protocols"  # each a folder with its own part of the rating page

env = environ.Env()

VAR_DIR = bases.VAR_DIR  # where the environment's VAR_DIR says; `python -m modeling` finds pretrained models there too
try:
    VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(
        f"VAR_DIR={VAR_DIR} cannot be created ({error.strerror}); choose another folder"
    ) from error
RUNS_DIR = VAR_DIR / "runs"

DEBUG = env.bool("DEBUG", default=False)

# --- addresses ---------------------------------------------------------------------------------------------------
LISTEN_HOST = env.str("LISTEN_HOST", default="127.0.0.1")  # of `up`; shells and build tools have a HOST of their own
PORT = env.int("PORT", default=8000)
ADDRESS_FILE = VAR_DIR / "address"  # what `up` served last: a command in another shell prints the same links


def site_url() -> str:
    if given := env.str("SITE_URL", default=""):
        return given
    if not {"LISTEN_HOST", "PORT"} & env.ENVIRON.keys() and ADDRESS_FILE.exists():
        return ADDRESS_FILE.read_text().strip() or served_at(LISTEN_HOST, PORT)
    return served_at(LISTEN_HOST, PORT)


SITE = site_address(site_url())  # as raters reach it, in every link
FORCE_SCRIPT_NAME = SITE.path or None
# What the links say is allowed, and so is this machine: a health check asks from within.
ALLOWED_HOSTS = list(dict.fromkeys([*env.list("ALLOWED_HOSTS", default=[]), SITE.host, *THIS_MACHINE]))
CSRF_TRUSTED_ORIGINS = list(dict.fromkeys([*env.list("CSRF_TRUSTED_ORIGINS", default=[]), SITE.origin]))
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = f"{SITE.path}/"
HTTPS = env.bool("HTTPS") if env.str("HTTPS", default="") else SITE.scheme == "https"
TRUSTED_PROXIES = trusted_proxies(env.str("TRUSTED_PROXIES", default=""))
PRODUCTION = env.bool("PRODUCTION", default=False)

problem = next(
    problems(
        production=PRODUCTION,
        debug=DEBUG,
        own_key=not env.str("SECRET_KEY", default=""),
        https=HTTPS,
        proxied=bool(TRUSTED_PROXIES),
        site=SITE,
        hosts=ALLOWED_HOSTS,
        origins=CSRF_TRUSTED_ORIGINS,
    ),
    None,
)
if problem:
    raise ImproperlyConfigured(problem)


def secret_key() -> str:
    """The environment's key; without one, a random key made once and kept, readable by its owner only."""
    if given := env.str("SECRET_KEY", default=""):
        return given
    file = VAR_DIR / "secret_key"
    if not file.exists():
        draft = file.with_name(f"secret_key.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        try:
            file.hardlink_to(draft)  # atomic: of two processes that start together, one key wins
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return file.read_text()


SECRET_KEY = secret_key()

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "axes",
    "rest_framework",
    "django_htmx",
    "annotations",
    "workers",
    "storyblender_site.apps.SiteConfig",
]

MIDDLEWARE = [
    "storyblender_site.failures.api_errors_as_problems",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "annotations.web.middleware.content_security_policy",
    "annotations.web.middleware.addresses_without_nul",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "storyblender_site.middleware.english_for_researchers",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",  # a page is for who is logged in unless it says otherwise
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "annotations.audit.middleware.audited",
]

if env.bool("ACCESS_LOG", default=False):
    MIDDLEWARE.insert(0, "storyblender_site.logs.access_log")

ROOT_URLCONF = "storyblender_site.urls"
WSGI_APPLICATION = "storyblender_site.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "storyblender_site" / "templates", *PROTOCOLS.glob("*/templates")],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


CONNECTION_SECONDS = 60  # that a thread goes on with: opening one takes longer than what most requests ask
# Of PostgreSQL: nobody waits for ever for a row, nor for who stopped in the middle of a transaction.
DATABASE_LIMITS = {
    "connect_timeout": 10,
    "options": "-c lock_timeout=20s -c idle_in_transaction_session_timeout=60s",
}


def database() -> dict[str, Any]:
    if url := env.str("DATABASE_URL", default=""):
        config = env.db_url_config(url)
        if "sqlite" not in config["ENGINE"]:
            options = DATABASE_LIMITS | config.get("OPTIONS", {})
            return {**config, "OPTIONS": options, "CONN_MAX_AGE": CONNECTION_SECONDS, "CONN_HEALTH_CHECKS": True}
        name = config["NAME"]
    else:
        name = str(VAR_DIR / "storyblender.sqlite3")
    database_private(name)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": name,
        "CONN_MAX_AGE": CONNECTION_SECONDS,
        "OPTIONS": {
            "timeout": 20,  # seconds a writer waits for the one write lock
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=FAST;",
        },
        "TEST": {"NAME": str(VAR_DIR / "test.sqlite3")},
    }


DATABASES = {"default": database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "start"
LOGOUT_REDIRECT_URL = "login"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # of one account from one place: nobody can lock others out
AXES_HANDLER = "storyblender_site.logins.LoginLimits"
LOGIN_FAILURES_PER_ADDRESS = env.int("LOGIN_FAILURES_PER_ADDRESS", default=30)  # of all accounts: a laboratory has one
AXES_CLIENT_IP_CALLABLE = "annotations.web.client_address.client_address"
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False
PASSWORD_RESET_TIMEOUT = 7 * 24 * 3600  # seconds a link to set a password is good for

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

DATA_UPLOAD_MAX_NUMBER_FILES = 5000  # pictures come as many files

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ko", "한국어")]
LANGUAGE_COOKIE_AGE = 90 * 24 * 3600  # seconds that a browser is shown the language that was chosen in it
LANGUAGE_COOKIE_PATH = f"{SITE.path}/"
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LOCALE_PATHS = [BASE_DIR / "storyblender_site" / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = f"{SITE.path}/static/"
STATICFILES_DIRS = list(PROTOCOLS.glob("*/static"))
STATIC_ROOT = env.str("STATIC_ROOT", default=str(VAR_DIR / "static"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "storyblender_site.static_files.GzipStaticFilesStorage"},
}
Path(STATIC_ROOT).mkdir(parents=True, exist_ok=True)

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "URL_FORMAT_OVERRIDE": None,  # `?format=` means nothing
    "DEFAULT_PARSER_CLASSES": ["annotations.api.parsers.BoundedJsonParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "EXCEPTION_HANDLER": "annotations.api.errors.problem_details",
}

# --- workers -----------------------------------------------------------------------------------------------------
# The run row is the truth and the broker only a doorbell, so a lost or doubled message costs nothing.
REDIS_URL = env.str("REDIS_URL", default="")
CELERY_BROKER_URL = env.str("BROKER_URL", default=REDIS_URL or "filesystem://")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "cpu"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CONSUMER = "workers.consumer:RunConsumer"
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False  # workers take runs, and nothing else that the broker may say
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker outlives any outage
# A Redis that hangs is given up after these seconds. Other brokers leave them aside.
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
    "global_keyprefix": env.str("QUEUE_PREFIX", default=""),
    "socket_timeout": 5.0,
    "socket_connect_timeout": 2.0,
    "socket_keepalive": True,
    "health_check_interval": 5,
    "ack_emulation": False,  # nothing that waits in a worker's hands is kept in Redis: the sweeper rings again
}
if CELERY_BROKER_URL.startswith("filesystem"):
    MESSAGES_DIR = VAR_DIR / "broker" / "messages"
    MESSAGES_DIR.mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(MESSAGES_DIR),
        "data_folder_out": str(MESSAGES_DIR),
        "polling_interval": 0.1,
    }

RUN_HEARTBEAT_SECONDS = env.float("RUN_HEARTBEAT_SECONDS", default=5.0)
RUN_LOST_AFTER_SECONDS = env.float("RUN_LOST_AFTER_SECONDS", default=30.0)
RUN_RING_AGAIN_SECONDS = env.float("RUN_RING_AGAIN_SECONDS", default=30.0)
RUN_MAX_STALLED_ATTEMPTS = env.int("RUN_MAX_STALLED_ATTEMPTS", default=20)
RUN_MAX_DEATHS = env.int("RUN_MAX_DEATHS", default=2)  # of what begins anew each time: a training goes on
SWEEP_EVERY_SECONDS = env.float("SWEEP_EVERY_SECONDS", default=5.0)
LISTENER_BEAT_SECONDS = env.float("LISTENER_BEAT_SECONDS", default=5.0)
LISTENER_LOST_AFTER_SECONDS = env.float("LISTENER_LOST_AFTER_SECONDS", default=30.0)
WORKER_NICENESS = env.int("WORKER_NICENESS", default=10)

# --- cache -------------------------------------------------------------------------------------------------------
# Holds only what can be made again at any time: the drawn charts of reports.
REDIS_CACHE = {
    "BACKEND": "storyblender_site.caching.ForgivingRedisCache",
    "LOCATION": REDIS_URL,
    "KEY_PREFIX": f"{env.str('QUEUE_PREFIX', default='')}cache",
    "OPTIONS": {
        "serializer": "storyblender_site.caching.JsonSerializer",
        "socket_timeout": 0.25,
        "socket_connect_timeout": 0.25,
    },
}
FILE_CACHE = {
    "BACKEND": "storyblender_site.caching.ForgivingFileCache",
    "LOCATION": str(VAR_DIR / "cache"),
}
MEMORY_CACHE = {  # of one process, as there is one without Redis; where there are more, each counts for itself
    "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
    "LOCATION": "limits",
    "OPTIONS": {"MAX_ENTRIES": 100_000},
}
CACHES: dict[str, Any] = {
    "default": REDIS_CACHE if REDIS_URL else FILE_CACHE,
    "limits": REDIS_CACHE if REDIS_URL else MEMORY_CACHE,
}

# --- rating ------------------------------------------------------------------------------------------------------
ASSIGNMENT_LEASE_SECONDS = env.int("ASSIGNMENT_LEASE_SECONDS", default=1800)
JOINS_PER_ADDRESS = env.int("JOINS_PER_ADDRESS", default=100)  # of a campaign, an hour; a laboratory has one address
SCREENS_PER_RATER = env.int("SCREENS_PER_RATER", default=120)  # asked for, a minute
PROLIFIC_TOKEN = env.str("PROLIFIC_TOKEN", default="").strip()  # of an account; it is stored and shown nowhere
PROLIFIC_URL = env.str("PROLIFIC_URL", default="https://api.prolific.com")
PROLIFIC_HOOK_SECRET = env.str("PROLIFIC_HOOK_SECRET", default="").strip()  # of a workspace, which signs its events
RECRUITING_POLL_SECONDS = env.float("RECRUITING_POLL_SECONDS", default=20.0)

# --- security ----------------------------------------------------------------------------------------------------
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"(^|/)(healthz|readyz)$"]
    SECURE_HSTS_SECONDS = 31536000
    SESSION_COOKIE_SECURE = True
    LANGUAGE_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO").upper()
structlog.configure(
    logger_factory=structlog.PrintLoggerFactory(sys.stderr),  # stdout is for a command's answer
    wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping().get(LOG_LEVEL, logging.INFO)),
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "storyblender_site.logs.Formatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "axes": {"level": "WARNING"},
        "waitress.queue": {"level": "ERROR"},  # it warns of every request that waits for a thread
        "django.db.backends": {"level": "INFO"},
        "fontTools": {"level": "WARNING"},
        "weasyprint": {"level": "ERROR"},  # it reports each page, and warns of CSS that is for browsers
        "kombu.connection": {"level": "ERROR"},  # a message folder has no host name, and it warns of that
    },
}
