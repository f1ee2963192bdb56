"""The declaration: what a vendor consists of."""

from __future__ import annotations

from typing import NamedTuple

from engine.model.resource import Field, Resource, When


class Vendor(NamedTuple):
    """One wanted vendor."""

    key: str
    name: str
    tax_id: str
    terms: str | None = None

    @property
    def resource(self) -> Resource:
        return VENDORS


class RemoteVendor(NamedTuple):
    """One vendor as a listing shows it."""

    id: str
    name: str
    tax_id: str
    terms: str | None = None
    key: str | None = None

    @property
    def resource(self) -> Resource:
        return VENDORS


VENDORS = Resource(
    name="vendors",
    fields=(
        Field("key", "vendor_key", When.NEVER),
        Field("name", "vendor_name", When.ALWAYS),
        Field("tax_id", "tax_id", When.IF_SHOWN),
        Field("terms", "payment_terms", When.IF_SHOWN, optional=True),
    ),
    natural_key=("tax_id",),
    natural_words="tax id",
    wanted=Vendor,
    remote=RemoteVendor,
    prefix="vendor_",
)
