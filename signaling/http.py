"""From the table of routes to the web server: who asks, may they, is the body sound, and how an error is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from pydantic import BaseModel, ValidationError

from archive import errors as archive_errors
from archive.tables import Access as RecordingAccess
from archive.tables import Recording
from school import errors as school_errors
from school.invitations import InvitationClaims
from school.tables import Administrator
from signaling.api_models import Problem
from signaling.errors import MediaUnavailable, Refusal
from signaling.messages import ErrorCode, Role
from signaling.reader_passes import ReaderPass
from signaling.registry import Registry
from signaling.services import Services

BODY_MAX_BYTES = 64 * 1024
_BODY_TIMEOUT_S = 10.0
_RETRY_AFTER_S = 2
_log = structlog.get_logger(__name__)
_Model = TypeVar("_Model", bound=BaseModel)


class Access(StrEnum):
    """Who may use a route. Whatever the row says, a bearer token is good for its own lesson only."""

    ANYONE = "anyone"
    ADMINISTRATOR = "administrator"
    """A signed-in administrator (cookie)."""
    LESSON_TEACHER = "lesson_teacher"
    """An administrator, or the bearer of this lesson's teacher invitation."""
    INVITED = "invited"
    """The bearer of any valid invitation."""
    READER = "reader"
    """Of a recording: an administrator, the bearer of an invitation into its lesson, everybody where it is open. Others
    cannot tell it from one that does not exist. A route that names no recording shows each what they may read."""


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table. Path parameters in braces; `request_model` None: the handler reads the body, if any."""

    method: str
    path: str
    handler: Handler
    request_model: type[BaseModel] | None
    response_model: type[BaseModel] | None
    summary: str
    access: Access
    status: int = 200
    standard: bool = False
    """WHIP and WHEP: open to pages of other origins, errors as `application/problem+json` (RFC 9457)."""


class HttpError(Exception):
    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}


@dataclass(slots=True)
class Call:
    """One request as its handler sees it, its sender's right to the route established."""

    request: web.Request
    services: Services
    registry: Registry
    administrator: Administrator | None = None
    bearer: InvitationClaims | None = None
    body: BaseModel | None = None
    recording: Recording | None = None

    def path(self, name: str) -> str:
        return self.request.match_info[name]

    def read(self, model: type[_Model]) -> _Model:
        assert isinstance(self.body, model), "the route's request_model"
        return self.body

    def invited(self) -> InvitationClaims:
        assert self.bearer is not None, "the route's access"
        return self.bearer

    def readable(self) -> Recording:
        assert self.recording is not None, "the route's access"
        return self.recording

    @property
    def now(self) -> float:
        return self.services.wall()


Handler = Callable[[Call], Awaitable[BaseModel | web.StreamResponse | None]]

_STATUS = {
    ErrorCode.BAD_TOKEN: 401,
    ErrorCode.EXPIRED: 401,
    ErrorCode.REVOKED: 401,
    ErrorCode.SEAT_TAKEN: 409,
    ErrorCode.BAD_SDP: 422,
    ErrorCode.FULL: 503,
    ErrorCode.MEDIA_UNAVAILABLE: 503,
    ErrorCode.TOO_FAST: 429,
    ErrorCode.NO_SUCH_PARTICIPANT: 404,
}
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="webclass"'}


def cookie_name(request: web.Request) -> str:
    return "__Host-webclass" if request.secure else "webclass_session"


def same_origin(request: web.Request) -> bool:
    """Whether the page that asks is ours; the scheme is not compared, since a proxy may end TLS before us. A request
    without `Origin` does not come from a page's script."""
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host


def adapt(
    route: Route, services: Services, registry: Registry
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The route as a handler of the web server."""

    async def handle(request: web.Request) -> web.StreamResponse:
        call = Call(request, services, registry)
        try:
            await _admit(call, route)
            if route.request_model is not None:
                call.body = await _parse(request, route.request_model)
            answer = await route.handler(call)
        except Exception as error:
            answer = _error_response(_as_http(error), standard=route.standard)
        if isinstance(answer, BaseModel):
            answer = web.json_response(text=answer.model_dump_json(), status=route.status)
        response = answer if answer is not None else web.Response(status=204)
        if route.standard:
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Access-Control-Expose-Headers"] = "Location, ETag, Link"
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    return handle


async def _admit(call: Call, route: Route) -> None:
    """Find out who asks and whether they may. Raises `HttpError`."""
    if route.access is Access.ANYONE:
        if not route.standard and not same_origin(call.request):
            raise HttpError(403, "not_allowed", "cross-site request")
        return
    if route.access is Access.READER:
        await _admit_reader(call)
        return
    if route.access is not Access.ADMINISTRATOR:
        token = _bearer_token(call.request)
        if token is not None:
            call.bearer = await call.services.invitations.verify(token, call.now)
            _admit_bearer(call, route, call.bearer)
            return
    if route.access is Access.INVITED:
        raise HttpError(401, "bad_token", "an invitation's token is needed: Authorization: Bearer …", _CHALLENGE)
    await _admit_administrator(call)


def _admit_bearer(call: Call, route: Route, bearer: InvitationClaims) -> None:
    if call.request.match_info.get("lesson_id", bearer.lesson_id) != bearer.lesson_id:
        raise HttpError(403, "not_allowed", "the token is for another lesson")
    if route.access is Access.LESSON_TEACHER and bearer.role.value != Role.TEACHER:
        raise HttpError(403, "not_allowed", "only this lesson's teacher and administrators may do this")


async def _admit_reader(call: Call) -> None:
    recording_id = call.request.match_info.get("recording_id")
    token = _bearer_token(call.request)
    if recording_id is None:
        await _identify(call, token)
        return
    # Told apart, so that no cookie can pass for a token.
    shown = f"cookie {_cookie(call)}" if token is None else f"bearer {token}"
    found = call.services.reader_passes.find(shown, recording_id, call.services.clock())
    if found is None:
        await _identify(call, token)
        found = ReaderPass(await _readable(call, recording_id), call.bearer, call.administrator)
        call.services.reader_passes.keep(shown, recording_id, found, call.services.clock())
    call.recording, call.bearer, call.administrator = found.recording, found.bearer, found.administrator


async def _identify(call: Call, token: str | None) -> None:
    if token is not None:
        call.bearer = await call.services.invitations.verify(token, call.now)
    else:
        call.administrator = await _signed_in(call)


async def _readable(call: Call, recording_id: str) -> Recording:
    """The recording, if whoever asks may replay it. Raises `HttpError`."""
    recording = await call.services.catalog.find_one(recording_id)
    own = recording is not None and call.bearer is not None and call.bearer.lesson_id == recording.lesson_id
    if recording is not None and (own or recording.access == RecordingAccess.OPEN or call.administrator is not None):
        return recording
    if call.bearer is None and call.administrator is None:
        raise HttpError(401, "not_signed_in", "sign in, or show an invitation into the lesson", _CHALLENGE)
    raise HttpError(404, "not_found", "no such recording")


async def _admit_administrator(call: Call) -> None:
    call.administrator = await _signed_in(call)
    if call.administrator is None:
        raise HttpError(401, "not_signed_in", "sign in first")
    if call.request.method != "GET" and not same_origin(call.request):
        raise HttpError(403, "not_allowed", "cross-site request")


async def _signed_in(call: Call) -> Administrator | None:
    cookie = _cookie(call)
    return await call.services.accounts.session(cookie, call.now) if cookie else None


def _cookie(call: Call) -> str:
    return call.request.cookies.get(cookie_name(call.request), "")


def _bearer_token(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


async def read_body(request: web.Request) -> bytes:
    """At most `BODY_MAX_BYTES` within ten seconds. Raises `HttpError`."""
    if (request.content_length or 0) > BODY_MAX_BYTES:
        raise HttpError(413, "too_large", f"at most {BODY_MAX_BYTES} bytes")
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_TIMEOUT_S):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > BODY_MAX_BYTES:
                    raise HttpError(413, "too_large", f"at most {BODY_MAX_BYTES} bytes")
    except TimeoutError as error:
        raise HttpError(408, "too_slow", "the body did not arrive in time") from error
    return bytes(body)


async def _parse(request: web.Request, model: type[BaseModel]) -> BaseModel:
    if request.content_type != "application/json":
        raise HttpError(415, "bad_message", "the body must be application/json")
    try:
        return model.model_validate_json(await read_body(request))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise HttpError(400, "bad_message", f"{where}: {first['msg']}" if where else first["msg"]) from error


def _as_http(error: Exception) -> HttpError:
    match error:
        case HttpError():
            return error
        case Refusal():
            headers = {"Retry-After": str(_RETRY_AFTER_S)} if _STATUS.get(error.code) == 503 else {}
            return HttpError(_STATUS.get(error.code, 403), error.code, error.message, headers)
        case MediaUnavailable():
            return HttpError(503, "media_unavailable", str(error), {"Retry-After": str(_RETRY_AFTER_S)})
        case school_errors.InvitationError():
            code = invitation_code(error)
            return HttpError(
                401, code, str(error), {"WWW-Authenticate": 'Bearer realm="webclass", error="invalid_token"'}
            )
        case school_errors.NotFound() | archive_errors.NotFound():
            return HttpError(404, "not_found", str(error))
        case archive_errors.OnHold():
            return HttpError(409, "on_hold", str(error))
        case archive_errors.StillRecording():
            return HttpError(409, "wrong_state", str(error))
        case archive_errors.NotEmpty():
            return HttpError(409, "not_empty", str(error))
        case archive_errors.StoreError() | archive_errors.CatalogUnavailable():
            _log.warning("the archive is not there", reason=str(error))
            message = "recordings cannot be read now; try again later"
            return HttpError(503, "archive_unavailable", message, {"Retry-After": str(_RETRY_AFTER_S)})
        case school_errors.BadText():
            return HttpError(422, "bad_text", str(error))
        case school_errors.WrongState():
            return HttpError(409, "wrong_state", str(error))
        case school_errors.SignInFailed():
            return HttpError(401, "sign_in_failed", str(error))
        case school_errors.TooManyGuesses():
            return HttpError(429, "too_fast", str(error), {"Retry-After": str(int(error.retry_after_s) + 1)})
    raise error


def invitation_code(error: school_errors.InvitationError) -> ErrorCode:
    if isinstance(error, school_errors.Expired):
        return ErrorCode.EXPIRED
    return ErrorCode.REVOKED if isinstance(error, school_errors.Revoked) else ErrorCode.BAD_TOKEN


def _error_response(error: HttpError, *, standard: bool) -> web.Response:
    if not standard:
        body = Problem(code=error.code, message=error.message)
        return web.json_response(text=body.model_dump_json(), status=error.status, headers=error.headers)
    problem = {"type": "about:blank", "status": error.status, "code": error.code, "detail": error.message}
    return web.json_response(
        problem, status=error.status, headers=error.headers, content_type="application/problem+json"
    )
