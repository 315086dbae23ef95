"""A Hugging Face hub and an OCI registry, as far as `ringfence models pull` speaks with them; on `fakes.webserver`."""

from __future__ import annotations

import base64
import hashlib
import json
import struct

from fakes.webserver import Page, WebServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ARCHITECTURE = b"general.architecture"
GGUF = b"".join(
    (
        b"GGUF",
        struct.pack("<IQQ", 3, 0, 1),
        struct.pack("<Q", len(ARCHITECTURE)),
        ARCHITECTURE,
        struct.pack("<IQ", 8, 4),
        b"clip",
    )
)
"""The shortest header of a model: version 3, no tensors, and the architecture of which nothing more is asked."""


def gguf(size: int = 4096, seed: int = 1) -> bytes:
    """A file that begins like a GGUF file, and goes on with anything."""
    piece = hashlib.sha256(seed.to_bytes(4, "big")).digest()
    return (GGUF + piece * (size // 32 + 1))[:size]


def split_gguf(number: int, count: int) -> bytes:
    """A part of a split model, as its header says."""
    keys = [(b"split.no", number), (b"split.count", count)]
    more = b"".join(struct.pack("<Q", len(key)) + key + struct.pack("<IH", 2, value) for key, value in keys)
    return GGUF[:16] + struct.pack("<Q", 3) + GGUF[24:] + more


def safetensors(values: bytes = bytes(8)) -> bytes:
    """A safetensors file with one tensor."""
    head = json.dumps({"w": {"dtype": "U8", "shape": [len(values)], "data_offsets": [0, len(values)]}}).encode()
    return len(head).to_bytes(8, "little") + head + values


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def add_repository(
    web: WebServer,
    repository: str,
    files: dict[str, bytes],
    *,
    revision: str = "main",
    licence: str = "apache-2.0",
    elsewhere: WebServer | None = None,
    token: str = "",
) -> dict[str, Page]:
    """Put a repository on the hub; its files' pages, by path, to be made to misbehave.

    Args:
        elsewhere: large files are redirected there, with a signature in the query, as the hub does.
        token: needed to read any of it.
    """
    siblings, pages = [], {}
    for path, content in files.items():
        large = path.endswith((".gguf", ".safetensors", ".bin"))
        lfs = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
        siblings.append(
            {"rfilename": path, "blobId": git_sha1(content), "size": len(content)} | ({"lfs": lfs} if large else {})
        )
        page = Page(content, {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "X-Repo-Commit": COMMIT})
        address = f"/{repository}/resolve/{COMMIT}/{path}"
        if large and elsewhere:
            elsewhere.pages[f"/cdn/{path}"] = page
            web.pages[address] = Page(redirect=f"{elsewhere.url}/cdn/{path}?Signature=secret", token=token)
        else:
            page.token = token
            web.pages[address] = page
        pages[path] = page
    info = {
        "id": repository,
        "sha": COMMIT,
        "siblings": siblings,
        "tags": [f"license:{licence}"],
        "private": bool(token),
    }
    for name in {revision, COMMIT}:
        web.pages[f"/api/models/{repository}/revision/{name}"] = Page(json.dumps(info).encode(), token=token)
    return pages


def add_artifact(
    web: WebServer,
    repository: str,
    tag: str,
    layers: list[tuple[str, str, bytes]],
    *,
    login: str = "",
) -> tuple[str, dict[str, Page]]:
    """Push an artifact; its digest, and its blobs' pages by name.

    Args:
        layers: media type, file name (empty for none), content of each.
        login: ``user:password`` that its token service asks for.
    """
    token = "registry-token" if login else ""
    challenge = f'Bearer realm="{web.url}/token",service="registry",scope="repository:{repository}:pull"'
    headers = {"WWW-Authenticate": challenge}
    if login:
        web.pages["/token"] = Page(json.dumps({"token": token}).encode())
    described, pages = [], {}
    for media_type, name, content in layers:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        annotations = {"org.opencontainers.image.title": name} if name else {}
        described.append({"mediaType": media_type, "digest": digest, "size": len(content), "annotations": annotations})
        pages[name or media_type] = Page(content, dict(headers), token=token)
        web.pages[f"/v2/{repository}/blobs/{digest}"] = pages[name or media_type]
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.docker.ai.model.config.v0.1+json",
                "digest": "sha256:" + "0" * 64,
                "size": 2,
            },
            "layers": described,
            "annotations": {"org.opencontainers.image.licenses": "MIT"},
        }
    ).encode()
    digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
    for reference in (tag, digest):
        web.pages[f"/v2/{repository}/manifests/{reference}"] = Page(manifest, dict(headers), token=token)
    return digest, pages


def docker_config(host: str, login: str) -> str:
    """What `docker login` writes."""
    return json.dumps({"auths": {host: {"auth": base64.b64encode(login.encode()).decode()}}})
