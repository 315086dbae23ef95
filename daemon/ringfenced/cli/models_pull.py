"""`ringfence models pull`: a model from elsewhere into the library."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Final

import typer

from ringfenced.cli.models_settings import (
    account,
    config_option,
    hubs,
    library_option,
    sign_option,
    signer_option,
    signing_keys,
    told,
    where,
)
from ringfenced.cli.output import Output, json_option
from ringfenced.cli.pulling.bring import LazyWeb, bring, list_source, patiently, pinned
from ringfenced.cli.pulling.choose import choose, name_for
from ringfenced.cli.pulling.fetch import Means
from ringfenced.cli.pulling.listing import Listing, Wanted
from ringfenced.cli.pulling.pace import Pace, read_rate
from ringfenced.library.folder import Library
from ringfenced.library.manifest import Manifest
from ringfenced.library.names import checked_paths

_SOURCE: Final = "What and from where"
_WAY: Final = "How"


def pull(
    source: Annotated[
        str, typer.Argument(help="hf:ORG/REPO[/FILE], oci://HOST/REPO:TAG, https://HOST/FILE.gguf, or a path.")
    ],
    *,
    name: Annotated[
        str, typer.Option(help="What to call it here; else as its file or source.", rich_help_panel=_SOURCE)
    ] = "",
    file: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Which files, e.g. `'*Q4_K_M*'`; repeatable.", rich_help_panel=_SOURCE),
    ] = None,
    revision: Annotated[
        str, typer.Option(help="With hf: a branch, a tag, or a commit to pin it.", rich_help_panel=_SOURCE)
    ] = "",
    sha256: Annotated[
        str, typer.Option(metavar="HEX", help="Digest that the one file of weights must have.", rich_help_panel=_SOURCE)
    ] = "",
    limit_rate: Annotated[
        str, typer.Option(metavar="RATE", help="At most so many bytes a second, e.g. 20M.", rich_help_panel=_WAY)
    ] = "",
    ca: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Whom to trust instead; PEM.", rich_help_panel=_WAY)
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With hf: a token; else where hf keeps it.", rich_help_panel=_WAY),
    ] = None,
    auth_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With oci: as docker's config.json; else that.", rich_help_panel=_WAY),
    ] = None,
    sign_with: sign_option = None,
    library: library_option = None,
    config: config_option = None,
    signer: signer_option = None,
    as_json: json_option = False,
) -> None:
    """Fetch a model into the library: resumed where it broke off, verified, and only then put into place.

    Everything lands in the library's quarantine. There the length and the SHA-256 of each file are checked, that it is
    what its name says, and the signature where the site names signers. What is refused stays there with the reason.
    Pickles (.bin, .pt, .ckpt) are refused: loading one runs what it holds.

    Runs on a machine with a way out. For a node without one, `ringfence models export` and `import` carry it over.

    For example:

    - `ringfence models pull hf:Qwen/Qwen3-8B-GGUF --file '*Q4_K_M*'`
    - `ringfence models pull hf:Qwen/Qwen3-8B --revision main --name qwen3-8b`
    - `ringfence models pull oci://registry.site.example/models/qwen3:8b --auth-file registry.json`
    - `ringfence models pull https://mirror.site.example/m.gguf --sha256 4db8... --ca site-ca.pem`
    - `ringfence models pull ./m.gguf --sign approver.key`
    """
    output = Output.of(as_json=as_json)
    keys, rate = signing_keys(sign_with), read_rate(limit_rate)
    target = where(library, config, signer).library
    with ExitStack() as stack, told():
        web, asked = LazyWeb(stack, ca), hubs(token_file, auth_file)
        listing = patiently(lambda: list_source(source, web, revision, asked), output, time.sleep)
        chosen = pinned(choose(listing, file or ()), sha256)
        checked_paths(one.path for one in chosen)
        means = Means(web, Pace(rate, time.monotonic, time.sleep), time.sleep, lambda _: None, output.remark)
        called = name or name_for(listing, chosen)
        manifest = bring(target, called, listing, chosen, keys=keys, output=output, means=means, who=account())
    _tell(output, target, manifest, listing, chosen)


def _tell(output: Output, library: Library, manifest: Manifest, listing: Listing, chosen: Sequence[Wanted]) -> None:
    """What is in the library now."""
    for remark in listing.remarks:
        output.remark(remark, style="yellow")
    unknown = [one.path for one in chosen if one.local is None and one.sha256 is None and one.git_sha1 is None]
    if unknown:
        output.remark(
            f"{unknown[0]}: the source tells no digest; compare the one below with what its maker publishes",
            style="yellow",
        )
    if output.as_json:
        output.json(
            {
                "name": manifest.name,
                "folder": str(library.folder / manifest.name),
                "source": manifest.source,
                "revision": manifest.revision,
                "files": [{"path": one.path, "bytes": one.size_bytes, "sha256": one.sha256} for one in manifest.files],
            }
        )
        return
    rows = [(one.path, f"{one.size_bytes:,}", one.sha256) for one in manifest.files]
    output.table(
        f"{manifest.name}: verified, in {library.folder}",
        ("file", "bytes", "SHA-256"),
        rows,
        right=frozenset({"bytes"}),
    )
    output.remark(
        f'to serve it: [[models]] name = "{manifest.name}", library = "{manifest.name}" in the daemon\'s file'
    )
