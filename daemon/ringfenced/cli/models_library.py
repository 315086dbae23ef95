"""`ringfence models list`, `show`, `verify` and `rm`: what lies in the library."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.models_header import Header, header_of
from ringfenced.cli.models_settings import Where, config_option, library_option, signer_option, told, where
from ringfenced.cli.output import Output, json_option
from ringfenced.cli.pulling.bars import bar
from ringfenced.library.errors import LibraryError, Refused
from ringfenced.library.folder import Entry, Held
from ringfenced.library.manifest import Manifest
from ringfenced.library.signing import signed_by

_UNKNOWN = "-"


def list_models(
    *,
    library: library_option = None,
    config: config_option = None,
    signer: signer_option = None,
    as_json: json_option = False,
) -> None:
    """List what lies in the library, and what waits in its quarantine.

    "Verified" is when the files were last read whole; a dash where they changed since, or that is not known. What the
    daemon has loaded, `ringfence models ps` tells.
    """
    output, here = Output.of(as_json=as_json), where(library, config, signer)
    rows, broken = [], []
    with told():
        for name in here.library.names():
            try:
                rows.append(_facts(here, here.library.manifest(name)))
            except Refused as error:
                broken.append((name, str(error)))
        held = here.library.quarantined()
    if as_json:
        for row in rows:
            output.json(row)
        for name, reason in broken:
            output.json({"name": name, "broken": reason})
        for each in held:
            output.json({"name": each.name, "quarantined": True, "bytes": each.size_bytes, "refused": each.reason})
        return
    _table(output, here, rows)
    for name, reason in broken:
        output.remark(f"{name}: {reason}", style="red")
    if held:
        _held_table(output, held)


def show(
    name: Annotated[str, typer.Argument(help="As in the library.")],
    *,
    library: library_option = None,
    config: config_option = None,
    signer: signer_option = None,
    as_json: json_option = False,
) -> None:
    """Show a model's manifest, its files with their digests, and what its header says.

    What it needs of memory, `ringfence models fit` tells.
    """
    output, here = Output.of(as_json=as_json), where(library, config, signer)
    with told():
        manifest = here.library.manifest(name)
        facts = _facts(here, manifest)
    files = [{"path": one.path, "bytes": one.size_bytes, "sha256": one.sha256} for one in manifest.files]
    if as_json:
        output.json({**facts, "folder": str(here.library.folder / name), "files": files})
        return
    signers = ", ".join(facts["signedBy"])
    said = [
        ("folder", str(here.library.folder / name)),
        ("format", manifest.format.value),
        ("architecture", facts["architecture"] or _UNKNOWN),
        ("quantisation", facts["quantisation"] or _UNKNOWN),
        ("context", _count(facts["contextTokens"])),
        ("parameters", _count(facts["parameters"])),
        ("source", manifest.source),
        ("revision", manifest.revision or _UNKNOWN),
        ("licence", manifest.licence or _UNKNOWN),
        ("imported", f"{manifest.imported_at} by {manifest.imported_by}"),
        ("signatures", f"{len(manifest.signatures)}" + (f", of this site's signers: {signers}" if signers else "")),
        ("verified", facts["verifiedAt"] or _UNKNOWN),
        ("used by", _used(facts["usedBy"])),
    ]
    output.table(name, ("", ""), said)
    rows = [(one.path, f"{one.size_bytes:,}", one.sha256) for one in manifest.files]
    output.table("", ("file", "bytes", "SHA-256"), rows, right=frozenset({"bytes"}))


def verify(
    name: Annotated[str, typer.Argument(help="As in the library; every model where none is named.")] = "",
    *,
    library: library_option = None,
    config: config_option = None,
    signer: signer_option = None,
    as_json: json_option = False,
) -> None:
    """Read every byte again and compare it with the manifest; exit code 1 where something differs."""
    output, here = Output.of(as_json=as_json), where(library, config, signer)
    with told():
        names = (name,) if name else here.library.names()
    good = [_verify_one(output, here, each) for each in names]
    if not names:
        output.remark("the library is empty")
    if not all(good):
        raise typer.Exit(ExitCode.FAILED)


def remove(
    name: Annotated[str, typer.Argument(help="As in the library.")],
    *,
    quarantine: Annotated[
        bool, typer.Option("--quarantine", help="What waits in quarantine under this name, not the model.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Even one that the daemon's configuration uses.")] = False,
    library: library_option = None,
    config: config_option = None,
    as_json: json_option = False,
) -> None:
    """Take a model out of the library, or what waits in quarantine.

    A loaded model goes on until it is unloaded; it cannot be loaded again.
    """
    output, here = Output.of(as_json=as_json), where(library, config, None)
    used = () if quarantine else (here.used_by or {}).get(name, ())
    if used and not force:
        raise Failure(
            f"{name} is used by {', '.join(used)} in the daemon's configuration",
            code=ExitCode.INVALID,
            advice=("take it out of [[models]] first, or remove it with --force",),
        )
    with told():
        freed = here.library.release(name) if quarantine else here.library.remove(name)
    if as_json:
        output.json({"name": name, "quarantine": quarantine, "bytes": freed})
    else:
        output.line(f"{name} removed{' from quarantine' if quarantine else ''}: {size_of(freed)} are free")


def size_of(size_bytes: int) -> str:
    """A length for people."""
    if size_bytes < 2**20:
        return f"{size_bytes:,} bytes"
    return f"{size_bytes / 2**30:,.2f} GiB" if size_bytes >= 2**30 else f"{size_bytes / 2**20:,.1f} MiB"


def _verify_one(output: Output, here: Where, name: str) -> bool:
    """Whether one model is what its manifest says; says so."""
    entry: Entry | None = None
    reason = ""
    try:
        size_bytes = here.library.manifest(name).size_bytes
        with bar(output, name, size_bytes) as seen:
            entry = here.library.verify(name, seen)
    except LibraryError as error:
        reason = str(error)
    if output.as_json:
        output.json(
            {"name": name, "ok": entry is not None, "reason": reason, "signedBy": entry.signed_by if entry else []}
        )
    elif entry is not None:
        signed = f", signed by {', '.join(entry.signed_by)}" if entry.signed_by else ""
        output.line(f"ok      {name}: {len(entry.files)} files, {size_of(entry.manifest.size_bytes)}{signed}")
    else:
        output.line(f"FAILED  {name}: {reason}", style="red")
    return entry is not None


def _facts(here: Where, manifest: Manifest) -> dict[str, Any]:
    """What is known of a model, for both ways to tell it."""
    header: Header = header_of(here.library.folder / manifest.name, manifest)
    return {
        "name": manifest.name,
        "format": manifest.format.value,
        "bytes": manifest.size_bytes,
        "architecture": header.architecture,
        "quantisation": header.quantisation,
        "contextTokens": header.context_tokens,
        "parameters": header.parameters,
        "source": manifest.source,
        "revision": manifest.revision,
        "licence": manifest.licence,
        "importedAt": manifest.imported_at,
        "importedBy": manifest.imported_by,
        "signatures": len(manifest.signatures),
        "signedBy": list(signed_by(manifest, here.library.signers)),
        "verifiedAt": here.library.verified_at(manifest.name),
        "usedBy": None if here.used_by is None else list(here.used_by.get(manifest.name, ())),
    }


def _table(output: Output, here: Where, rows: list[dict[str, Any]]) -> None:
    columns = ("model", "format", "size", "quantisation", "context", "used by", "verified", "source")
    output.table(
        f"{len(rows)} models in {here.library.folder}",
        columns,
        (
            (
                row["name"],
                row["format"],
                size_of(row["bytes"]),
                row["quantisation"] or _UNKNOWN,
                _count(row["contextTokens"]),
                _used(row["usedBy"]),
                row["verifiedAt"] or _UNKNOWN,
                row["source"],
            )
            for row in rows
        ),
        right=frozenset({"size", "context"}),
    )


def _held_table(output: Output, held: tuple[Held, ...]) -> None:
    rows = [(each.name, size_of(each.size_bytes), each.reason or "incomplete: the same pull goes on") for each in held]
    output.table("in quarantine", ("model", "size", "why"), rows, right=frozenset({"size"}))


def _used(names: list[str] | None) -> str:
    """Which of the daemon's models come from it."""
    return _UNKNOWN if not names else ", ".join(names)


def _count(value: int | None) -> str:
    return _UNKNOWN if value is None else f"{value:,}"
