"""No request makes a service fail: no 5xx that is not a problem of ours, and no answer repeats what was sent.

Requests come from two sides: from each service's own OpenAPI, by schemathesis, and from honest requests that are
mutated as the parsers' inputs are.
"""

from __future__ import annotations

import json
import random
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from agentdid.errors import CODES
from tests.fuzz.mutate import change_text, mutate
from tests.fuzz.services import SERVICES, Service, call
from tests.profiles import examples

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

_RESOLVING: Final = ("/1.0/identifiers/", "/did/")
_METADATA: Final = ("resolutionmetadata", "dereferencingmetadata")
_OWN: Final = re.compile(
    r"http_\d{3}|request_invalid|token_required|presentation_required|too_many_requests|history_not_kept"
)
_LONG: Final = 12  # shorter texts stand in an answer by chance
_SETTINGS: Final = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
}


@pytest.fixture(scope="module", params=SERVICES)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Each service, in process."""
    with SERVICES[request.param](tmp_path_factory.mktemp("service")) as made:
        yield made


def hold(answer: httpx.Response | schemathesis.Response, path: str, sent: list[str]) -> None:
    """An answer is a success, or an error in the form that is promised, without a word of what was sent."""
    status = answer.status_code
    if status < 400:
        return
    said = json.loads(answer.text)
    if path.startswith(_RESOLVING) and "code" not in said:
        # DID Resolution has its own form of an error, and 501 for a method that is not built
        (metadata,) = [each for name, each in said.items() if name.lower().endswith(_METADATA)]
        assert status in (400, 404, 406, 410, 501) or "fetch_failed" == metadata["error"]["code"], said
        assert metadata["error"]
        return

    assert status < 500 or (status in (501, 503) and said["code"] != "internal"), said
    media = answer.headers["content-type"]
    assert "application/problem+json" == (media[0] if isinstance(media, list) else media)
    assert said["code"] in CODES or _OWN.fullmatch(said["code"]), said
    if "approval" not in said:  # what is to be approved must be shown
        shown = json.dumps(said, ensure_ascii=False)
        assert [] == [each for each in sent if each in shown]


def _texts(value: object) -> list[str]:
    """The long texts in what was sent that no answer of ours has of itself."""
    if isinstance(value, str):
        return [value] if len(value) >= _LONG else []
    if isinstance(value, dict):
        return [one for name, each in value.items() for one in [*_texts(name), *_texts(each)]]
    return [one for each in value for one in _texts(each)] if isinstance(value, list) else []


def test_what_the_openapi_describes(service: Service) -> None:
    """Requests that the service's own description makes, fitting and unfitting."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", service.app)
    operations = [each.ok() for each in schema.get_all_operations()]

    assert operations
    for operation in operations:
        if operation.path in service.endless:
            continue
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            with suppress(Unsatisfiable):  # where nothing is sent, nothing unfitting can be
                _try(service, operation.as_strategy(generation_mode=mode))


def _try(service: Service, cases: st.SearchStrategy[schemathesis.Case]) -> None:
    described = json.dumps(service.app.openapi())

    @settings(max_examples=examples(12), **_SETTINGS)
    @given(case=cases)
    def run(case: schemathesis.Case) -> None:
        for headers in ({}, service.headers) if service.headers else ({},):
            answer = case.call(headers=dict(headers))
            sent = _texts(case.body if isinstance(case.body, dict | list | str) else None)
            hold(answer, case.path, [each for each in sent if each not in described])

    run()


@settings(max_examples=examples(150), **_SETTINGS)
@given(seed=st.integers(0, 2**32))
def _honest(service: Service, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311  # no secret
    asked = rng.choice(service.asked)
    options: dict[str, Any] = {"headers": {**service.headers, "Content-Type": "application/json"}}
    path = asked.path
    if asked.body is None:
        head, slash, last = path.rpartition("/")
        path = head + slash + quote(change_text(last, rng).encode("utf-8", "replace"), safe="?&=:%~")
    else:
        honest = json.dumps(asked.body).encode()
        options["content"] = mutate(honest, rng) or honest
    hold(call(service.app, asked.method, path, **options), asked.path, [])


def test_honest_requests_mutated(service: Service) -> None:
    """Honest requests with a few changes in them."""
    for each in service.asked:
        body = {} if each.body is None else {"json": each.body}
        hold(call(service.app, each.method, each.path, headers=service.headers, **body), each.path, [])
    _honest(service)
