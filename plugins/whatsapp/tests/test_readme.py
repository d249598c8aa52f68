"""The page for users tells what is declared: actions with effects and scopes, events, codes, controls."""

import re
from pathlib import Path

from revolution_whatsapp.client import API_VERSION
from revolution_whatsapp.codes import CODES
from revolution_whatsapp.connector import whatsapp
from revolution_whatsapp.sandbox import sandbox

PAGE = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    lines = [line for line in section(title).splitlines() if line.startswith("| `")]
    return [[re.sub("[`]", "", cell).strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_actions_are_those_declared() -> None:
    told = {row[0]: (row[1], row[2]) for row in rows("Actions")}
    declared = {one.name: (str(one.effect), ", ".join(one.scopes)) for one in whatsapp.actions.values()}
    assert told == declared


def test_the_events_and_their_fields_are_those_declared() -> None:
    text = section("Events")
    assert [row[:2] for row in rows("Events")] == [
        [one.name, one.canonical] for one in whatsapp.events.values()
    ]
    for one in whatsapp.events.values():
        described = next(part for part in text.split("\n\n") if part.startswith(f"`{one.name}` has"))
        where = {"phone_number_id", "display_phone_number", "business_account_id"}
        assert set(one.data["properties"]) - where <= set(re.findall(r"`(\w+)`", described))


def test_every_code_and_name_is_told() -> None:
    text = section("What WhatsApp says, and what the step does")
    told: set[int] = set()
    for first, last in re.findall(r"\b(\d+)(?:–(\d+))?\b", "".join(re.findall(r"^\| [\d].*?\|", text, re.M))):
        told |= set(range(int(first), int(last or first) + 1))
    assert told == set(CODES)
    names = {one.name.removeprefix("recipient") for one in CODES.values()}
    assert {name for name in names if f"`{name}`" not in text and f"`recipient{name}`" not in text} == set()


def test_the_sandbox_and_the_version_are_those_told() -> None:
    box = sandbox()
    assert f"http://127.0.0.1:{box.port}" in PAGE
    assert f"`{API_VERSION}`" in PAGE
    paths = {route.path for route in box.asgi().routes if route.path.startswith("/_sandbox/")}
    named = " ".join(
        re.findall(r"`(?:POST |GET )?(?:/_sandbox/)?([a-z/]+)`", section("Trying it without WhatsApp"))
    )
    assert {path.removeprefix("/_sandbox/") for path in paths} <= set(named.split())
