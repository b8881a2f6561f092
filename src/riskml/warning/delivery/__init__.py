"""Delivery of alerts: files, e-mail, a webhook, and the `Channel` protocol for others."""

from riskml.warning.delivery.channel import Channel, DeliveryError, Notice, Parcel

__all__ = ["Channel", "DeliveryError", "Notice", "Parcel"]
