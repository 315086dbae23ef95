"""An agent's sealed archive, for tests: its table in the agent's file, and the auditors' keys beside it."""

from pathlib import Path

from ringfence import sealkeys


def archived(file: Path, **changes: str) -> Path:
    """The same agent's file with an archive; `auditors.key` and `auditors.pub` are made once."""
    folder = file.parent
    if not (folder / "auditors.pub").exists():
        private, public = sealkeys.make()
        (folder / "auditors.key").write_bytes(private)
        (folder / "auditors.pub").write_bytes(public)
    table = {"directory": '"archive"', "recipient": '"auditors.pub"', "retention_days": "365", **changes}
    lines = "".join(f"{name} = {value}\n" for name, value in table.items())
    file.write_text(f"{file.read_text()}\n[archive]\n{lines}")
    return file
