"""Every error says what it is: its own stable code, and a docstring for whoever meets it."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator

import revolution_hub
import revolution_sdk
from revolution_hub.errors import HubError
from revolution_sdk import ConnectorError


def family(base: type[Exception]) -> list[type[Exception]]:
    """Return the class and everything below it in our packages, after importing all of them."""
    found = [base]
    for one in found:
        found += [below for below in one.__subclasses__() if below not in found]
    return [one for one in found if one.__module__.startswith("revolution_")]


def import_everything() -> None:
    for package in (revolution_sdk, revolution_hub):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            # That module does its work when it is run.
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)


def speechless(errors: Iterable[type[Exception]]) -> Iterator[str]:
    """Yield the errors without a code of their own, with a code taken already, or without a docstring."""
    seen: set[str] = set()
    for error in errors:
        code = vars(error).get("code")
        if not isinstance(code, str) or not code:
            yield f"{error.__name__} has no code of its own"
        elif code in seen:
            yield f"{error.__name__} has the code of another: {code}"
        if not (error.__doc__ or "").strip():
            yield f"{error.__name__} has no docstring"
        seen.add(str(code))


def test_every_error_of_the_hub_has_code_and_docstring() -> None:
    import_everything()
    errors = family(HubError)
    assert len(errors) >= 11
    assert list(speechless(errors)) == []


def test_every_error_of_the_sdk_has_code_and_docstring() -> None:
    import_everything()
    errors = family(ConnectorError)
    assert len(errors) >= 6
    assert list(speechless(errors)) == []


def test_every_error_of_the_trees_is_drawn() -> None:
    import_everything()
    drawn = f"{HubError.__module__} {importlib.import_module(HubError.__module__).__doc__}"
    own = [one for one in family(HubError) if one.__module__ == HubError.__module__]
    assert [one.__name__ for one in own if one.__name__ not in drawn] == []
    drawn = str(importlib.import_module(ConnectorError.__module__).__doc__)
    assert [one.__name__ for one in family(ConnectorError) if one.__name__ not in drawn] == []


def test_an_error_without_code_or_docstring_is_found() -> None:
    class Mute(HubError):
        pass

    class Echo(HubError):
        """Raised when somebody says it again."""

        code = "hub_error"

    assert list(speechless([HubError, Mute, Echo])) == [
        "Mute has no code of its own",
        "Mute has no docstring",
        "Echo has the code of another: hub_error",
    ]
