"""Commands on packages: exports, verification, signatures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def export(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="Folder of a run or a model, a wheel, or a card file.")
    ],
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="OUT", help="File to write: .sql, .onnx, .html or .xlsx.")
    ],
    dialect: Annotated[str, typer.Option(help="SQL: duckdb, postgres, sqlite, spark, tsql or snowflake.")] = "duckdb",
    table: Annotated[str, typer.Option(help="SQL: table of the customers.")] = "customers",
    keep: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="SQL: column to keep; may be repeated.")
    ] = None,
) -> None:
    """Export a model as SQL, ONNX, or a readable card (HTML, Excel)."""
    from riskml.export.formats import write_model
    from riskml.runs.model_loading import load_model

    written = write_model(load_model(model), out, dialect=dialect, table=table, keep=keep or ())
    typer.echo(f"{written} is written")


@app.command()
def verify(
    wheel: Annotated[Path, typer.Argument(metavar="WHEEL", help="Wheel built by riskml.")],
    key: Annotated[
        Path | None, typer.Option(metavar="PEM", help="Ed25519 public key of the required signature.")
    ] = None,
) -> None:
    """Verify that no file of a wheel was changed, added or removed, and its signature."""
    from riskml.export.wheelfile import verify as verify_wheel

    verification = verify_wheel(wheel, key)
    signed = (
        f"signed with the key {verification.key[:16]}…"
        if verification.key
        else "signed"
        if verification.signed
        else "not signed"
    )
    unchecked = "" if verification.key or not verification.signed else " (--key verifies the signer)"
    typer.echo(
        f"{verification.package} {verification.version}: {verification.files} files unchanged; {signed}{unchecked}"
    )


@app.command()
def sign(
    wheel: Annotated[Path, typer.Argument(metavar="WHEEL", help="Wheel built by riskml.")],
    key: Annotated[Path, typer.Option(metavar="PEM", help="Ed25519 private key.")],
) -> None:
    """Sign a wheel for `riskml verify --key`; the key's password is read from RISKML_KEY_PASSWORD."""
    import os

    from riskml.export.signing import sign_wheel

    fingerprint = sign_wheel(wheel, key, os.environ.get("RISKML_KEY_PASSWORD"))
    typer.echo(f"{wheel} is signed with the key {fingerprint[:16]}…")
