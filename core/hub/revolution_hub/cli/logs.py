"""The log: one line per record, whatever is in it, and no secret that a call has opened."""

import logging

from revolution_hub.model.masking import mask_line


class Line(logging.Formatter):
    """Writes a record so that its text cannot pass for another record, nor steer a terminal.

    Control characters, and others that do not show, are written as their codes. The lines of a traceback
    are kept apart, set in, and hold no values of variables.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and below it the lines of its traceback."""
        record.message = shown(mask_line(record.getMessage()))
        record.asctime = self.formatTime(record, self.datefmt)
        line = self.formatMessage(record)
        if record.exc_info:
            told = mask_line(self.formatException(record.exc_info))
            line += "".join(f"\n  | {shown(one)}" for one in told.split("\n"))
        return line


def log_to_stderr(role: str = "") -> None:
    """Write warnings and worse to standard error; `role` stands in each line."""
    handler = logging.StreamHandler()
    named = f"{role} " if role else ""
    handler.setFormatter(Line(f"%(asctime)s {named}%(levelname)s %(name)s: %(message)s"))
    # What is forked from another process has that one's handler.
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def shown(text: str) -> str:
    """Return the text with a code for each character that does not show, such as \\u001b."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _code(one) for one in text)


def _code(one: str) -> str:
    return f"\\u{ord(one):04x}" if ord(one) <= 0xFFFF else f"\\U{ord(one):08x}"
