"""How people and systems learn of alerts: files, mail, a webhook; and a `Channel` for whatever else there is."""

from riskml.warning.delivery.channel import Channel, DeliveryError, Notice, Parcel

__all__ = ["Channel", "DeliveryError", "Notice", "Parcel"]
