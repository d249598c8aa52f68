"""The route that publishes the workflow's JSON Schema: for everybody, and not sent twice."""

import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from revolution_hub.api import schemas
from revolution_hub.model.workflow_schema import workflow_schema

PATH = "/api/schemas/workflow"


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    app.include_router(schemas.router)
    return TestClient(app)


def test_everybody_may_read_the_schema(client: TestClient) -> None:
    answer = client.get(PATH)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/schema+json"
    assert json.loads(answer.content) == workflow_schema()


def test_who_has_it_is_not_sent_it_again(client: TestClient) -> None:
    tag = client.get(PATH).headers["etag"]
    again = client.get(PATH, headers={"if-none-match": f'W/"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get(PATH, headers={"if-none-match": '"other"'}).status_code == 200
