"""`python -m revolution_hub.cli`: how the supervisor starts its children."""

from revolution_hub.cli.main import main

main()
