"""docs/labels.md prints the tables that are in force."""

import importlib.util
import tomllib
from pathlib import Path

from ringfence.recognize.settings import Classification

ROOT = Path(__file__).resolve().parents[2]


def script():
    spec = importlib.util.spec_from_file_location("labels_page", ROOT / "scripts" / "labels.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_templates_say():
    """Run scripts/labels.py after a change of a template."""
    page = (ROOT / "docs" / "labels.md").read_text()
    assert script().with_tables(page) == page


def test_the_example_on_the_page_is_a_section_that_is_taken():
    page = (ROOT / "docs" / "labels.md").read_text()
    example = page.partition("```toml\n")[2].partition("```")[0]
    section = tomllib.loads(example)["classification"]
    policy = Classification.model_validate(section).policy()
    assert not policy.wants("YEAR")
    assert policy.together[-1].name == "vip"
