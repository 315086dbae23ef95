"""An OCI registry: ``oci://HOST/REPOSITORY:TAG`` or ``...@sha256:DIGEST``.

The registry speaks the OCI distribution specification 1.1. Files are layers of their own, as ORAS, ModelPack
(``org.cncf.model.filepath``), Docker Model Runner and Ollama push them; a layer that is an archive is not taken. Every
blob is verified against its digest, the manifest too, so that a digest in place of the tag pins all of it. Credentials
come from a file in the form of Docker's ``config.json`` (``auths``), and no helper program is started.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import urlencode

from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.pulling.facts import Facts
from ringfenced.cli.pulling.listing import Listing, Wanted
from ringfenced.cli.pulling.web import Web, refusal, shown

_REFERENCE: Final = re.compile(
    r"oci://(?P<host>[A-Za-z0-9.\-]+(?::\d{1,5})?|\[[0-9a-fA-F:]+\](?::\d{1,5})?)/"
    r"(?P<repository>[a-z0-9]+(?:(?:[._]|__|-+|/)[a-z0-9]+)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._\-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
"""Names and tags as the distribution specification has them."""
_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})")
_CHALLENGE: Final = re.compile(r'(\w+)="([^"]*)"')
_MANIFESTS: Final = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_INDEXES: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_PATHS: Final = ("org.cncf.model.filepath", "org.opencontainers.image.title")
"""Annotations that name a layer's file: ModelPack's, ORAS's."""
_NAMES: Final = (
    ("application/vnd.docker.ai.gguf", "model.gguf"),
    ("application/vnd.docker.ai.safetensors", "model.safetensors"),
    ("application/vnd.docker.ai.mmproj", "mmproj.gguf"),
    ("application/vnd.docker.ai.license", "LICENSE"),
    ("application/vnd.docker.ai.chat.template", "chat_template.jinja"),
    ("application/vnd.ollama.image.model", "model.gguf"),
    ("application/vnd.ollama.image.projector", "mmproj.gguf"),
    ("application/vnd.ollama.image.license", "LICENSE"),
)
"""What layers are that bear no name: media types of Docker Model Runner (its pkg/distribution/types) and of Ollama."""
_ARCHIVE: Final = re.compile(r"\.tar\b|\+gzip|\+zstd|^application/x-(tar|gzip)")
_LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")
_AUTH_BYTES_MAX: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reference:
    """What is asked of which registry."""

    host: str
    """With its port, if it has one."""
    repository: str
    """Its path there."""
    reference: str
    """A tag or a digest."""

    @property
    def base(self) -> str:
        """The registry's address; plain HTTP on this machine alone."""
        name = self.host if self.host.endswith("]") else self.host.rpartition(":")[0] or self.host
        return f"{'http' if name in _LOOPBACK else 'https'}://{self.host}/v2/{self.repository}"

    def __str__(self) -> str:
        """As an operator writes it."""
        return f"oci://{self.host}/{self.repository}{'@' if ':' in self.reference else ':'}{self.reference}"


def read_reference(source: str) -> Reference:
    """What ``oci://...`` names; Failure where it names nothing."""
    match = _REFERENCE.fullmatch(source)
    if match is None:
        raise Failure(
            "that names nothing in a registry: write oci://HOST/REPOSITORY:TAG, or ...@sha256:DIGEST",
            code=ExitCode.USAGE,
        )
    return Reference(match["host"], match["repository"], match["digest"] or match["tag"] or "latest")


def list_artifact(web: Web, source: str, auth_file: Path | None) -> Listing:
    """What an artifact holds.

    Args:
        web: the client.
        source: ``oci://HOST/REPOSITORY:TAG``.
        auth_file: credentials by host, as Docker keeps them; None, or a file that is not there, for none.

    Raises:
        Failure: the registry refuses, or says what makes no sense.
        Broken: no connection.
    """
    reference = read_reference(source)
    data, headers = _manifest(web, reference, _basic(auth_file, reference.host))
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    if ":" in reference.reference and digest != reference.reference:
        raise Failure(
            f"{reference} is answered with another manifest: {digest}",
            advice=("the registry, or something before it, is wrong: trust nothing that it sends",),
        )
    facts = Facts.read(data, str(reference))
    if facts.get("mediaType").text_or() in _INDEXES or facts.get("manifests").value:
        raise Failure(
            f"{reference} is an index of several artifacts",
            code=ExitCode.INVALID,
            advice=("name one of them by its digest: ...@sha256:DIGEST",),
        )
    files, remarks = _files(facts, reference, headers)
    licence = facts.get("annotations").get("org.opencontainers.image.licenses").text_or() or None
    tag = "" if ":" in reference.reference or reference.reference == "latest" else f"-{reference.reference}"
    name = f"{PurePosixPath(reference.repository).name}{tag}"
    return Listing(str(reference), digest, name, files, licence, remarks)


def _files(
    facts: Facts, reference: Reference, headers: Mapping[str, str]
) -> tuple[tuple[Wanted, ...], tuple[str, ...]]:
    """Every layer that is a file, and what is to be said of the others."""
    files: list[Wanted] = []
    remarks: list[str] = []
    for layer in facts.get("layers").items():
        media_type = layer.get("mediaType").text()
        match = _DIGEST.fullmatch(layer.get("digest").text())
        if match is None:
            raise Failure(f"{reference}: a layer bears no SHA-256", code=ExitCode.INVALID)
        path = _path(layer, media_type, files)
        if not path or _ARCHIVE.search(media_type):
            remarks.append(f"left out: a layer of type {media_type[:80]}" + (f" ({path})" if path else ""))
            continue
        url = f"{reference.base}/blobs/{match[0]}"
        files.append(Wanted(path, url, size_bytes=layer.get("size").count(), sha256=match[1], headers=headers))
    return tuple(files), tuple(remarks)


def _path(layer: Facts, media_type: str, files: list[Wanted]) -> str:
    """What a layer's file is called; empty where nobody knows."""
    for annotation in _PATHS:
        if named := layer.get("annotations").get(annotation).text_or():
            return named.removeprefix("./")
    name = next((name for prefix, name in _NAMES if media_type.startswith(prefix)), "")
    taken = {one.path for one in files}
    if name in taken:  # several licences, several parts
        stem, dot, suffix = name.partition(".")
        return next(
            free for free in (f"{stem}-{n}{dot}{suffix}" for n in range(2, len(taken) + 3)) if free not in taken
        )
    return name


def _manifest(web: Web, reference: Reference, basic: str) -> tuple[bytes, dict[str, str]]:
    """The manifest's bytes, and the headers with which blobs are to be asked for."""
    url = f"{reference.base}/manifests/{reference.reference}"
    accept = {"Accept": ", ".join((*_MANIFESTS, *_INDEXES))}
    first = {"Authorization": f"Basic {basic}"} if basic and _asks_basic(web, url, accept) else {}
    with web.open(url, {**accept, **first}, plain=True) as answer:
        status, said = answer.status, answer.headers
        body = b"" if status == 401 else b"".join(answer.pieces)  # noqa: PLR2004 - Unauthorized
    if status == 401 and (token := _token(web, said.get("www-authenticate", ""), reference, basic)):  # noqa: PLR2004
        bearer = {"Authorization": f"Bearer {token}"}
        return web.read(url, {**accept, **bearer})[0], bearer
    if status != 200:  # noqa: PLR2004 - OK
        raise refusal(url, status, said)
    return body, first


def _asks_basic(web: Web, url: str, accept: Mapping[str, str]) -> bool:
    """Whether the registry wants name and password themselves, not a token for them."""
    with web.open(url, accept, plain=True) as answer:
        return answer.headers.get("www-authenticate", "").lower().startswith("basic")


def _token(web: Web, challenge: str, reference: Reference, basic: str) -> str:
    """A token of the service that the registry names (distribution: token specification); empty where it names none."""
    scheme, _, rest = challenge.partition(" ")
    fields = dict(_CHALLENGE.findall(rest))
    realm = fields.get("realm", "")
    if scheme.lower() != "bearer" or not realm:
        return ""
    if not realm.startswith("https://") and not reference.base.startswith("http://"):
        raise Failure(f"{reference.host} wants credentials sent without TLS", code=ExitCode.INVALID)
    query = {"service": fields.get("service", ""), "scope": f"repository:{reference.repository}:pull"}
    url = f"{realm}{'&' if '?' in realm else '?'}{urlencode({key: value for key, value in query.items() if value})}"
    body, _ = web.read(url, {"Authorization": f"Basic {basic}"} if basic else {})
    facts = Facts.read(body, shown(url))
    token = facts.get("token").text_or() or facts.get("access_token").text()
    if not token.isascii() or not token.isprintable():
        raise Failure(f"{shown(url)} gives no token", code=ExitCode.INVALID)
    return token


def _basic(auth_file: Path | None, host: str) -> str:
    """Name and password for a host, as the header has them; empty where there are none."""
    if auth_file is None:
        return ""
    try:
        with auth_file.open("rb") as file:
            facts = Facts.read(file.read(_AUTH_BYTES_MAX), str(auth_file))
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise Failure(f"cannot read {auth_file}: {error.strerror}", code=ExitCode.USAGE) from None
    auths = facts.get("auths")
    for key in (host, f"https://{host}", f"https://{host}/v1/", f"https://{host}/v2/"):
        encoded = auths.get(key).get("auth").text_or()
        if encoded:
            try:
                base64.b64decode(encoded, validate=True).decode("ascii")
            except (binascii.Error, UnicodeDecodeError):
                raise Failure(f"{auth_file}: what stands for {host} is no base64", code=ExitCode.USAGE) from None
            return encoded
    return ""
