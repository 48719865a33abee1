"""A campaign run: from a campaign file to a campaign that is open to raters, with the decodings that it names."""

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from annotations.campaigns.services.making import campaign_create
from annotations.campaigns.spec import CampaignSpec
from annotations.campaigns.spec_files import campaign_toml
from annotations.models import Campaign, Decoding
from workers.lifecycle import Claim, run_create
from workers.lookup import dataset_named
from workers.models import Run


def launch(*, spec: CampaignSpec, decodings: Mapping[str, Decoding], queue: str = "cpu", claimed: bool = False) -> Run:
    """Make a campaign run, queued, or claimed by this process. `decodings` stand in for the systems' newest."""
    config = {
        "name": spec.name,
        "campaign": campaign_toml(spec),
        "decodings": {system: decoding.pk for system, decoding in decodings.items()},
    }
    return run_create(
        kind=Run.Kind.CAMPAIGN, config=config, dataset=dataset_named(spec.dataset), queue=queue, claimed=claimed
    )


def perform(claim: Claim) -> None:
    """Make the campaign, unless an earlier attempt has and died before it could say so."""
    run = claim.run
    claim.progress(0.0, "drawing the items")
    campaign = run.campaign or campaign_make(claim)
    run.message = f"{campaign.item_count:,} items, {campaign.screens:,} screens, open to raters"
    run.result = {"campaign": campaign.name, "items": campaign.item_count, "screens": campaign.screens}


def campaign_make(claim: Claim) -> Campaign:
    config = claim.run.config

    @contextmanager
    def last_write(row: Campaign) -> Iterator[None]:
        with claim.fenced():
            yield
            claim.save(campaign=row)

    return campaign_create(
        spec=CampaignSpec.from_mapping(tomllib.loads(config["campaign"])),
        decodings={system: Decoding.objects.get(pk=pk) for system, pk in config["decodings"].items()},
        last_write=last_write,
    )
