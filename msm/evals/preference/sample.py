"""What a sample's metadata say: the item and the order in which it was asked."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from msm.evals.items import Item, Order, Prompt


class Asked(BaseModel):
    """An item in one option order: enough to read the answer, without the file of pairs."""

    model_config = ConfigDict(frozen=True)

    item: str
    value: str
    domain: str
    frame: str
    order: Order
    toward: str
    away: str
    answer_prefix: str

    @classmethod
    def of(cls, item: Item, prompt: Prompt) -> Asked:
        """The metadata of an item's prompt."""
        return cls(
            item=item.id,
            value=item.axis,
            domain=item.cluster,
            frame=item.frame.name,
            order=prompt.order,
            toward=item.toward,
            away=item.away,
            answer_prefix=prompt.answer_prefix,
        )
