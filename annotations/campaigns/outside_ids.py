"""What a researcher or a recruiting service calls a rater, and the signature that a personal link carries."""

import hashlib

from django.core import signing

from annotations.campaigns.models import Campaign
from annotations.errors import InputError
from texts.storable import is_blank, text_problem

SALT = "annotations.rater"
MAX_OUTSIDE_ID_LENGTH = 200


def check_outside_id(outside_id: str) -> str:
    """The id without blanks around it. Raises InputError for one that cannot be stored."""
    outside_id = outside_id.strip()
    if is_blank(outside_id) or len(outside_id) > MAX_OUTSIDE_ID_LENGTH:
        raise InputError("rater", f"must have 1 to {MAX_OUTSIDE_ID_LENGTH} characters, or be left out", code="id")
    if problem := text_problem(outside_id):
        raise InputError("rater", problem, code="id")
    return outside_id


def rater_signature(campaign: Campaign, outside_id: str) -> str:
    """What a link for one outside id carries, so that only its holder can join again under it."""
    return signing.Signer(salt=SALT).signature(f"{campaign.token}:{outside_id}")


def erased_digest(campaign: Campaign, outside_id: str) -> str:
    """What is kept of an id that was erased; see `ErasedId`."""
    return hashlib.sha256(rater_signature(campaign, outside_id).encode()).hexdigest()
