"""`ringfence models export` and `import`: models in one file, for nodes without a way out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.models_library import size_of
from ringfenced.cli.models_settings import (
    account,
    config_option,
    library_option,
    sign_option,
    signer_option,
    signing_keys,
    told,
    where,
)
from ringfenced.cli.output import Output, json_option
from ringfenced.cli.pulling.bars import bar
from ringfenced.library.bundle import Imported, read_bundle, write_bundle
from ringfenced.library.errors import LibraryError, Refused
from ringfenced.library.folder import rfc3339
from ringfenced.library.signing import sign, signed_by

_MODE = 0o644


def export(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="As in the library.")],
    *,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The bundle; must not exist yet.")],
    sign_with: sign_option = None,
    library: library_option = None,
    config: config_option = None,
    signer: signer_option = None,
    as_json: json_option = False,
) -> None:
    """Write models into one file that `ringfence models import` takes in elsewhere.

    A plain tar file, each model's manifest before its files. With --sign, the manifest's digests, source and name are
    vouched for by that key (Ed25519 or ML-DSA-44); the site that imports names the public half as signer.

    For example:

    - `openssl genpkey -algorithm ed25519 -out approver.key && openssl pkey -in approver.key -pubout -out approver.pub`
    - `ringfence models export qwen3-8b --out qwen3.tar --sign approver.key`
    """
    output, here, keys = Output.of(as_json=as_json), where(library, config, signer).library, signing_keys(sign_with)
    if len(set(names)) < len(names):
        raise Failure("a model is named twice", code=ExitCode.USAGE)
    with told():
        models = tuple(sign(here.manifest(name), keys) for name in names)
        size_bytes = sum(model.size_bytes for model in models)
        with bar(output, out.name, size_bytes) as seen:
            _write(out, lambda file: write_bundle(here, models, file, seen))
    unsigned = [model.name for model in models if not model.signatures]
    if unsigned:
        output.remark(f"not signed: {', '.join(unsigned)}; a site that names signers refuses it", style="yellow")
    if as_json:
        output.json({"file": str(out), "bytes": out.stat().st_size, "models": names})
    else:
        output.line(f"{out}: {len(models)} models, {size_of(out.stat().st_size)}")


def import_bundle(
    bundle: Annotated[Path, typer.Argument(help="As export wrote it; - for standard input.")],
    *,
    library: library_option = None,
    config: config_option = None,
    signer: signer_option = None,
    as_json: json_option = False,
) -> None:
    """Take the models of a bundle into the library: verified, and only then put into place.

    Where the site names signers (`[library] signers`, or --signer), a model that none of them signed is refused before
    any of its files is read. Where it names none, anybody's bundle is taken, and that is said.

    Example: `ringfence models import qwen3.tar --config /etc/ringfence/ringfenced.toml`
    """
    output, here = Output.of(as_json=as_json), where(library, config, signer).library
    if not here.signers:
        output.remark(
            "no signer is named: whoever made this bundle is believed; name one with --signer", style="yellow"
        )
    count = 0
    with told(), _opened(bundle) as file, bar(output, bundle.name, _size(bundle)) as seen:
        try:
            for one in read_bundle(file, here, at=rfc3339(time.time()), by=account(), seen=seen):
                count += 1
                _tell(output, one, signed_by(one.manifest, here.signers))
        except OSError as error:
            raise LibraryError(f"the transfer failed: {error.strerror or error}", "look at both disks") from None
        if count == 0:
            raise Refused(f"{bundle} holds no model")


def _tell(output: Output, one: Imported, signers: tuple[str, ...]) -> None:
    name = one.manifest.name
    if output.as_json:
        output.json({"name": name, "folder": str(one.folder), "bytes": one.manifest.size_bytes, "signedBy": signers})
    else:
        by = f", signed by {', '.join(signers)}" if signers else ""
        output.line(f"{name}: verified, {size_of(one.manifest.size_bytes)}, in {one.folder}{by}")


def _write(out: Path, write: Callable[[BinaryIO], None]) -> None:
    """A new file, whole or not at all."""
    fresh = out.with_name(f".{out.name}.new")
    if os.path.lexists(out):
        raise Failure(f"{out} exists already", code=ExitCode.USAGE, advice=("name another file, or remove it",))
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, _MODE)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - mode, no link
            write(file)
            file.flush()
            os.fsync(descriptor)
        fresh.replace(out)
    except OSError as error:
        raise Failure(f"cannot write {out}: {error.strerror}", code=ExitCode.USAGE) from None
    finally:
        fresh.unlink(missing_ok=True)


def _opened(bundle: Path) -> BinaryIO:
    try:
        return open(0, "rb", closefd=False) if str(bundle) == "-" else bundle.open("rb")
    except OSError as error:
        raise Failure(f"cannot read {bundle}: {error.strerror}", code=ExitCode.USAGE) from None


def _size(bundle: Path) -> int | None:
    return bundle.stat().st_size if str(bundle) != "-" and bundle.is_file() else None
