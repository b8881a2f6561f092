"""Host names of the HTTP service, against DNS rebinding: a page of another site cannot reach it by that site's name."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

_LENGTH = 100  # characters


class Hosts:
    """Allowed values of a request's Host header: IP addresses, localhost, this machine's name, and further names."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = {_plain(name) for name in ("localhost", socket.gethostname(), *names)} - {""}

    def refused(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """Return what is wrong with the Host header of a request, or None; a request without one is no browser's."""
        host = next((value.decode("latin-1") for name, value in headers if name == b"host"), None)
        return None if host is None or self._allow(host) else _message(host)

    def _allow(self, host: str) -> bool:
        name, port = _split(host)
        return (not port or (port.isascii() and port.isdigit())) and (_plain(name) in self._names or _is_address(name))


def _message(host: str) -> str:
    name = ascii(host if len(host) <= _LENGTH else f"{host[:_LENGTH]}...")
    return f"the host {name} is not served here; to allow a name, start the service with --allow-host NAME"


def _split(host: str) -> tuple[str, str]:
    """Return name and port of a Host header."""
    if host.startswith("["):
        name, end, port = host[1:].partition("]")
        return (name, port.removeprefix(":")) if end and ":" in name and port[:1] in ("", ":") else ("", "")
    name, _, port = host.partition(":")
    return name, port


def _plain(name: str) -> str:
    return name.strip().lower().removesuffix(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
