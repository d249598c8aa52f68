"""The first API key: the first start leaves it in a file, and commands on the same machine read it there."""

from revolution_hub.settings import Settings


def read_api_key(settings: Settings) -> str | None:
    """Return the first API key from its file, None if the file was moved away."""
    try:
        return settings.first_key_file.read_text(encoding="ascii").strip()
    except OSError:
        return None
