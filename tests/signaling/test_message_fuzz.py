"""Whatever text comes in as a message, it is one of the protocol's messages or a validation error, quickly."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from signaling import messages as m
from signaling.session import readable_id
from tests.effort import little_effort

KINDS = [model.model_fields["type"].default for model in get_args(get_args(m.FromClient)[0])]
FIELDS = sorted({name for model in get_args(get_args(m.FromClient)[0]) for name in model.model_fields})
values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10), st.just([]), st.just({"0": "camera"})
)
almost = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS)}, optional={name: values for name in FIELDS if name != "type"}
).map(json.dumps)


@settings(max_examples=120, derandomize=True, deadline=None)
@given(st.one_of(almost, st.text(max_size=200), st.binary(max_size=200).map(lambda b: b.decode("latin-1"))))
def test_nothing_but_validation_errors_comes_out(text: str) -> None:
    with little_effort():
        try:
            message = m.from_client.validate_json(text)
        except ValidationError:
            number = readable_id(text)
            assert number is None or number >= 0
        else:
            assert m.from_client.validate_json(message.model_dump_json()).type == message.type


def test_deep_long_and_odd_texts_take_no_time() -> None:
    for text in ("[" * 100_000, '{"a":' * 20_000, '{"type":"say","text":"' + "\\u0041" * 20_000, "9" * 100_000):
        with little_effort(), pytest.raises(ValidationError):
            m.from_client.validate_json(text)
        with little_effort():
            assert readable_id(text) is None
