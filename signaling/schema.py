"""`python -m signaling.schema` prints the JSON schema of the WebSocket protocol, for programs in other languages."""

from __future__ import annotations

import json
import sys

from signaling.link_test_messages import LINK_TEST_VERSION, link_test_from_client, link_test_from_server
from signaling.messages import PROTOCOL_VERSION, from_client, from_server


def protocol_schema() -> dict[str, object]:
    """`client` and `server` are the schemas of what each side sends in a lesson, `link_test_…` in a link test."""
    return {
        "version": PROTOCOL_VERSION,
        "client": from_client.json_schema(mode="validation"),
        "server": from_server.json_schema(mode="serialization"),
        "link_test_version": LINK_TEST_VERSION,
        "link_test_client": link_test_from_client.json_schema(mode="validation"),
        "link_test_server": link_test_from_server.json_schema(mode="serialization"),
    }


if __name__ == "__main__":
    json.dump(protocol_schema(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
