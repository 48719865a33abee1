"""Which items a researcher named for which raters."""

from django.db import models
from django.db.models import Q

from annotations.campaigns.models.campaigns import Campaign
from annotations.campaigns.models.items import Item


class NamedItem(models.Model):
    """An item that a rater gets because it was named for them: one of its places is theirs, whether or not they have
    joined. Once they are erased the outside id is a random one."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="named_items", db_index=False)
    outside_id = models.CharField(max_length=200)
    item = models.ForeignKey(Item, models.CASCADE, related_name="named_for")
    place_kept = models.BooleanField(
        default=True, help_text="counts among those taken; not where its rater is left out and others rate instead"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "outside_id", "item"], name="named_item_once_a_rater"),
            models.CheckConstraint(condition=~Q(outside_id=""), name="named_item_outside_id_not_empty"),
        ]

    def __str__(self) -> str:
        return f"{self.item_id} for {self.outside_id}"
