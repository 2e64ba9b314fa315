"""What the web process signs, so that it holds after a restart without being stored: resume secrets of seats, and the
names and ETags of WHIP and WHEP resources."""

from __future__ import annotations

import base64
import binascii
import hmac

from pydantic import BaseModel, ConfigDict, Field, ValidationError

_MAC_BYTES = 24


class ResumeSecret(BaseModel):
    """The holder of this seat; `epoch` is the media epoch that its page knew."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    lesson_id: str
    participant_id: str = Field(max_length=64)
    invitation_id: str
    name: str
    generation: int
    epoch: int


def sign_resume(secret: bytes, resume: ResumeSecret) -> str:
    body = _encode(resume.model_dump_json().encode())
    return f"{body}.{mac(secret, 'resume', body)}"


def read_resume(secret: bytes, text: str) -> ResumeSecret | None:
    """None for anything that this server did not sign."""
    body, _, signature = text.partition(".")
    if not same(signature, mac(secret, "resume", body)):
        return None
    try:
        return ResumeSecret.model_validate_json(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (binascii.Error, ValidationError):
        return None


def mac(secret: bytes, purpose: str, *parts: str) -> str:
    """HMAC-SHA-256, cut to 192 bits, over the purpose and the parts; unguessable without the secret."""
    text = "\x00".join((purpose, *parts)).encode(errors="surrogatepass")
    return _encode(hmac.digest(secret, text, "sha256")[:_MAC_BYTES])


def same(shown: str, right: str) -> bool:
    """Comparison in constant time."""
    return hmac.compare_digest(shown.encode(errors="surrogatepass"), right.encode())


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
