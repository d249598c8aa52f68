"""Make the pictures of the documentation from the real thing: `make pictures`."""

import re
from pathlib import Path

from rich.console import Console

from revolution_hub.cli import demo, show

HERE = Path(__file__).parent


def main() -> None:
    """Run the demo on a recording console and keep what it showed as an SVG."""
    console = Console(record=True, width=100, highlight=False, color_system="truecolor")
    demo.out = show.out = console
    demo.demo(lead=Path("examples/lead.json"), workflow=Path("examples/lead-to-meeting.yaml"))
    picture = console.export_svg(title="make demo")
    # Fonts and credits from elsewhere stay out: a reader's browser need not ask a stranger for them.
    picture = re.sub(r"@font-face \{.*?\}|<!-- .*? -->", "", picture, flags=re.DOTALL)
    (HERE / "demo.svg").write_text(re.sub(r"\n\s*\n", "\n", picture), encoding="utf-8")


if __name__ == "__main__":
    main()
