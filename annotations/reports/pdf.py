"""The report's page on paper: the one-file HTML through WeasyPrint, which fetches nothing."""

from typing import Any

from PIL import ImageFile

from annotations.errors import InputError
from annotations.reports.render import report_html
from annotations.reports.schema.report import Report

NO_PANGO = (
    "the PDF needs the library Pango, which this machine lacks; on Debian and Ubuntu: "
    "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core"
)


def report_pdf(report: Report) -> bytes:
    """Raises InputError where the system libraries that WeasyPrint draws with are missing."""
    return document(report).write_pdf()


def document(report: Report) -> Any:
    return pages_of(report_html(report))


def pages_of(html: str) -> Any:
    """The pages as WeasyPrint laid them out. Raises InputError as `report_pdf` does."""
    truncated_too = ImageFile.LOAD_TRUNCATED_IMAGES
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except OSError as error:  # from the loader of shared libraries
        raise InputError("", NO_PANGO) from error
    finally:  # the import switches it on for the whole process, where pictures cut short are to be found
        ImageFile.LOAD_TRUNCATED_IMAGES = truncated_too
    return HTML(string=html, url_fetcher=URLFetcher(allowed_protocols=())).render()
