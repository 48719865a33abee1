"""Bodies of requests as values, within the limits that files have too."""

import json
from typing import IO, Any, NoReturn

from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

from texts.limits import MAX_BODY_BYTES, parse_json


class TooLargeError(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = f"the body has more than {MAX_BODY_BYTES:,} bytes"


class BoundedJsonParser(BaseParser):
    """JSON, which is in UTF-8 whatever a header says (RFC 8259, section 8.1)."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        body = stream.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise TooLargeError
        try:
            return parse_json(body.decode("utf-8-sig"), parse_constant=refuse_constant)
        except json.JSONDecodeError as error:
            place = f"line {error.lineno}, column {error.colno}"
            raise ParseError(f"the body is not JSON: {place}: {error.msg}") from error
        except ValueError as error:  # beyond a limit, a constant, or not UTF-8
            raise ParseError(f"the body is not acceptable JSON: {error}") from error


def refuse_constant(name: str) -> NoReturn:
    """NaN and the infinities, which Python reads and JSON has not."""
    raise ValueError(f"{name} is not a JSON value")
