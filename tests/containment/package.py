"""What a package leaves on a machine, as docs/deploy.md installs it: programs, units, users, configuration, keys.

Units, users, folders and templates are laid out by the command that ships (`ringfence install --root`), as a packager
would; a site's own words come on top.
"""

from __future__ import annotations

import secrets
import shutil
import sys
import sysconfig
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from containment.namespaces import checked
from containment.network import PROVIDER4, RESOLVER4, STRANGER4
from fakes.certs import write_fresh

ROOT = Path(__file__).parents[2]
HOME = "/usr/lib/ringfence"
"""Where the programs are, on the machine."""
PYTHON = f"{HOME}/bin/python"
VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
SITE_PACKAGES = f"{HOME}/lib/{VERSION}/site-packages"
PROXY = f"http://{STRANGER4}:80"
"""Stands where tools look for a proxy."""
PROVIDER_NAME = "api.provider.example"
ACCOMPLICE = f"{HOME}/tests/containment/accomplice.py"
"""Somebody who helps."""
MODEL = "/usr/share/ringfence/models/local-small.gguf"

_PACKAGES = ("proto/ringfence", "daemon/ringfenced", "agent/ringfence_agent")
_INSTALL = "from ringfenced.cli import main; main()"
_PROGRAMS = {
    "ringfenced": "ringfenced.__main__",
    "ringfence-agent": "ringfence_agent.__main__",
    "ringfence": "ringfenced.cli",
}
_NAMES = {
    "spiffe://site.example/operator": "spiffe://ringfence.local/operator/dev",
    "spiffe://site.example/": "spiffe://ringfence.local/",
    "agent.site.example": "localhost",
    "node-1 = ": "permit = ",
    'permit_key_id = "node-1"': 'permit_key_id = "permit"',
    # Documentation's addresses are not global ones.
    "base_url = ": "allow_private_addresses = true\nbase_url = ",
}
"""In the shipped configuration, put your own names in place: these are the development certificates' names."""


def certificates(folder: Path) -> Path:
    """Write fresh development certificates, and the provider's; gives the folder."""
    write_fresh(folder)
    (folder / "example-ca.pem").write_bytes(_provider_certificate(folder))
    return folder


def build(tree: Path, certs: Path) -> list[tuple[str, str]]:
    """Lay everything out under `tree`; gives the folders to be bound: where they are here, where on the machine.

    Args:
        tree: an empty folder; owners are set by whoever copies it, as root.
        certs: `certificates`.
    """
    binds = _programs(tree)
    _install(tree)
    _configuration(tree, certs)
    return binds


def _programs(tree: Path) -> list[tuple[str, str]]:
    """A virtual environment under /usr, as pip leaves it: our packages copied, everybody else's bound."""
    home = tree / HOME.lstrip("/")
    site = tree / SITE_PACKAGES.lstrip("/")
    site.mkdir(parents=True)
    (home / "bin").mkdir()
    for package in _PACKAGES:
        shutil.copytree(ROOT / package, site / Path(package).name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "systemd", site / "ringfenced/systemd")  # as the wheel has it
    (site / "dependencies.pth").write_text(f"{HOME}/dependencies\n")
    shutil.copytree(ROOT / "tests/containment", home / "tests/containment")
    binds = [(sysconfig.get_path("purelib"), f"{HOME}/dependencies")]
    base = sys.base_prefix
    if not base.startswith("/usr"):
        binds.append((base, f"{HOME}/base"))
        base = f"{HOME}/base"
        _write(tree / "etc/ld.so.conf.d/ringfence.conf", f"{base}/lib\n")
    (home / "bin/python").symlink_to(f"{base}/bin/{VERSION}")
    _write(home / "pyvenv.cfg", f"home = {base}/bin\ninclude-system-site-packages = false\n")
    for name, module in _PROGRAMS.items():
        program = f"#!{PYTHON}\nimport sys\n\nfrom {module} import main\n\nsys.exit(main())\n"
        _write(home / "bin" / name, program, 0o755)
        (tree / "usr/bin").mkdir(exist_ok=True)
        (tree / "usr/bin" / name).symlink_to(f"{HOME}/bin/{name}")
    _write(tree / MODEL.lstrip("/"), (ROOT / "models/tiny/ringfence-tiny.gguf").read_bytes())
    return binds


def _install(tree: Path) -> None:
    """Run the command of this checkout, whatever is installed on this machine."""
    path = ":".join(str(ROOT / Path(package).parent) for package in _PACKAGES)
    checked(["env", f"PYTHONPATH={path}", sys.executable, "-P", "-c", _INSTALL, "install", "--root", str(tree)])
    # A site's own words, which the shipped units wait for.
    opened = f"[Service]\nIPAddressAllow={PROVIDER4}\n"
    _write(tree / "etc/systemd/system/ringfence-agent.service.d/providers.conf", opened)


def _configuration(tree: Path, certs: Path) -> None:
    etc = tree / "etc/ringfence"
    for name in ("ringfenced.toml", "ringfence-agent.toml"):
        text = (etc / name).read_text()
        for ours, theirs in _NAMES.items():
            text = text.replace(ours, theirs)
        _write(etc / name, text)
    for name in ("ca.pem", "daemon.pem", "agent.pem", "permit.pub", "log.pub", "example-ca.pem"):
        _write(etc / "pki" / name, (certs / name).read_bytes())
    for name in ("daemon.key", "permit.key", "agent.key", "log.key"):
        _write(etc / "keys" / name, (certs / name).read_bytes(), 0o600)
    _write(etc / "keys/providers/example", f"sk-{secrets.token_hex(16)}\n", 0o600)
    for name in ("export.env", "watch.env"):
        text = (etc / name).read_text().replace("daemon.site.example", "localhost")
        _write(etc / name, text)
    # The shipped configuration's operator is its auditor too.
    _write(etc / "pki/auditor.pem", (certs / "operator.pem").read_bytes())
    _write(etc / "keys/auditor.key", (certs / "operator.key").read_bytes(), 0o600)
    for name in ("caller-ward", "operator"):
        for suffix in ("pem", "key"):
            _write(tree / "root" / f"{name}.{suffix}", (certs / f"{name}.{suffix}").read_bytes())
    (tree / "root").chmod(0o700)
    _write(tree / "etc/hosts", f"127.0.0.1 localhost\n::1 localhost\n{PROVIDER4} {PROVIDER_NAME}\n")
    _write(tree / "etc/environment", f'https_proxy="{PROXY}"\n')
    _write(tree / "etc/resolv.conf", f"nameserver {RESOLVER4}\noptions timeout:1 attempts:1\n")


def _provider_certificate(certs: Path) -> bytes:
    """A certificate for the provider's name, which is its own authority; with its key in `certs`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, PROVIDER_NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(PROVIDER_NAME)]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(certs / "example.key", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
    pem = made.public_bytes(Encoding.PEM)
    (certs / "example.pem").write_bytes(pem)
    return pem


def _write(path: Path, content: str | bytes, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
