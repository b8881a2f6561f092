"""The package artifact: exports beside it, and whether it is to be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def export(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A run's folder, a wheel, a model's folder, a card.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="OUT", help=".sql, .onnx, .html or .xlsx")],
    dialect: Annotated[str, typer.Option(help="Of SQL: duckdb, postgres, spark, tsql or snowflake.")] = "duckdb",
    table: Annotated[str, typer.Option(help="Of SQL: the table of the customers.")] = "customers",
    keep: Annotated[list[str] | None, typer.Option(metavar="COLUMN", help="Of SQL: a column to carry through.")] = None,
) -> None:
    """Write a model beside its wheel: SQL for a database, ONNX, or a card to read (HTML, Excel)."""
    from riskml.export.formats import write_model
    from riskml.runs.model_loading import load_model

    written = write_model(load_model(model), out, dialect=dialect, table=table, keep=keep or ())
    typer.echo(f"{written} is written")


@app.command()
def verify(
    wheel: Annotated[Path, typer.Argument(metavar="WHEEL", help="A wheel that riskml built.")],
    key: Annotated[
        Path | None, typer.Option(metavar="PEM", help="An ed25519 public key: the wheel must be signed with it.")
    ] = None,
) -> None:
    """Prove that a wheel is what riskml built: no file altered, added or taken away; and who signed it."""
    from riskml.export.wheelfile import verify as verify_wheel

    verification = verify_wheel(wheel, key)
    signed = (
        f"signed with the key {verification.key[:16]}…"
        if verification.key
        else "signed"
        if verification.signed
        else "not signed"
    )
    unchecked = "" if verification.key or not verification.signed else " (by whom, --key tells)"
    typer.echo(
        f"{verification.package} {verification.version}: {verification.files} files unchanged; {signed}{unchecked}"
    )


@app.command()
def sign(
    wheel: Annotated[Path, typer.Argument(metavar="WHEEL", help="A wheel that riskml built.")],
    key: Annotated[Path, typer.Option(metavar="PEM", help="An ed25519 private key.")],
) -> None:
    """Sign a wheel, for `riskml verify --key`; the key's password is read from RISKML_KEY_PASSWORD."""
    import os

    from riskml.export.signing import sign_wheel

    fingerprint = sign_wheel(wheel, key, os.environ.get("RISKML_KEY_PASSWORD"))
    typer.echo(f"{wheel} is signed with the key {fingerprint[:16]}…")
