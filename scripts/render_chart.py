"""Prints the chart's objects at its default values, as Helm itself renders them: for tools that read Kubernetes' files.

python scripts/render_chart.py [VALUES.yaml]
"""

from __future__ import annotations

import sys
from pathlib import Path

import helm_python as helm
import yaml

CHART = Path(__file__).parents[1] / "helm/ringfence"


def main(arguments: list[str]) -> int:
    """Render with the file of values that is named, or with none."""
    values = yaml.safe_load(Path(arguments[0]).read_text()) if arguments else {}
    with helm.Chart.load(CHART) as chart:
        rendered = chart.render(values, name="ringfence", namespace="ai")
    print("\n---\n".join(text for path, text in sorted(rendered.items()) if path.endswith(".yaml") and text.strip()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
