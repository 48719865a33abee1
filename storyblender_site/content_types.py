"""What a request says of its body, before Django believes it."""

import re
from collections.abc import Iterable
from typing import Any

from storyblender_site.addresses import WSGI

BOUNDARY = re.compile(r";\s*boundary\s*=\s*(\"[^\"]*\"|[^;\s]*)", re.I)


def in_utf8(application: WSGI) -> WSGI:
    """The application, which is told the type of a body and where its parts are parted, and nothing else.

    Browsers and programs send UTF-8, JSON has no other encoding (RFC 8259), and neither have forms. Django takes any
    that is named, decodes with `rot13` and the like, and fails at a parameter in an unknown one (RFC 2231) before any
    of our code is asked.
    """

    def asked(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        said = environ.get("CONTENT_TYPE", "")
        if ";" in said:
            boundary = BOUNDARY.search(said)
            environ["CONTENT_TYPE"] = said.partition(";")[0].strip() + (boundary[0] if boundary else "")
        return application(environ, start_response)

    return asked
