"""Secrets in addresses: refused where they would be written down, and never shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from riskml.errors import hide_secrets
from tests.hostile.bases import experiment, rules, table
from tests.hostile.case import EITHER, SECRET, Case
from tests.hostile.settings_files import SCORED, UPDATE

_URLS = (
    f"postgresql://risk:{SECRET}@h/db", f"postgresql://risk:a?{SECRET}@h/db", f"postgresql://risk:a/{SECRET}@h/db",
    f"postgresql://risk:a {SECRET}@h/db", f"postgresql://risk:a@{SECRET}@h/db", f"postgresql://risk:a#{SECRET}@h/db",
    f"postgresql://:{SECRET}@h/db", f"postgresql://risk:%48{SECRET}@h/db", f"postgresql://h/db?password={SECRET}",
    f"postgresql://risk:${{PW}}@h/db?password={SECRET}", f"postgresql://h/db?user=a&sslpassword={SECRET}",
    f"mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BUID%3Du%3BPWD%3D{SECRET}", f"mssql+pyodbc://h/db?PWD={SECRET}",
    f"DRIVER=x;UID=u;PWD={SECRET};", f"DRIVER=x;PWD={{{SECRET};}}", f"snowflake://u@a/d?private_key={SECRET}",
    f"databricks://token:{SECRET}@h/x", f"https://h/x.csv?token={SECRET}", f"https://h/x.csv?api_key={SECRET}",
    f"https://h/x.csv?X-Amz-Signature={SECRET}", f"https://h/x.csv?sig=1&access_key={SECRET}", f"redis://:{SECRET}@h",
    f"MYSQL://R:{SECRET}@H/d", f"postgresql://risk:${{PW}}{SECRET}@h/db", f"host=h user=u password={SECRET}",
)  # fmt: skip


def _shown(url: str) -> Callable[[Path], object]:
    return lambda _: print(hide_secrets(f"cannot open {url}"), hide_secrets(f"'{url}' and {url}"))


def cases() -> Iterator[Case]:
    """Return the cases."""
    for url in _URLS:
        quoted = f"'{url}'"
        base = {"y.csv": table(), "s.csv": SCORED}
        yield Case("secrets", f"message: {url}", _shown(url), codes=(0,))
        files = base | {"e.yaml": experiment("models.storage", quoted)}
        yield Case("secrets", f"storage: {url}", ["run", "e.yaml"], files)
        files = base | {"e.yaml": experiment("models.storage", f"[{quoted}]")}
        yield Case("secrets", f"storage in a list: {url}", ["run", "e.yaml"], files)
        yield Case("secrets", f"source: {url}", ["run", "e.yaml"], base | {"e.yaml": experiment("data.source", quoted)})
        yield Case(
            "secrets", f"-p: {url}", ["run", "e.yaml", "-p", f"models.storage={url}"], base | {"e.yaml": experiment()}
        )
        files = base | {"r.yaml": rules("delivery.webhook.url", quoted)}
        yield Case("secrets", f"webhook: {url}", [*UPDATE], files, EITHER if url.startswith("https") else (2,))
