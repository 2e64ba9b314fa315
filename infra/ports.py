"""Whether the ports that the server needs are free."""

from __future__ import annotations

import socket

from infra.errors import PortTaken
from infra.settings import Settings, Tls
from streaming.net.datagrams import bind_udp


def check_ports(settings: Settings) -> None:
    """Raises `PortTaken` for the first port that another program holds, before anything is started."""
    wanted = {settings.http_port: "WEBCLASS_HTTP_PORT"}
    if settings.tls is not Tls.PROXY:
        wanted[settings.https_port] = "WEBCLASS_HTTPS_PORT"
    wanted |= {settings.media_port + index: "WEBCLASS_MEDIA_PORT" for index in range(settings.media_count)}
    for port, setting in wanted.items():
        try:
            _bind_tcp(settings.media_host if setting == "WEBCLASS_MEDIA_PORT" else settings.host, port).close()
            if setting == "WEBCLASS_MEDIA_PORT":
                bind_udp(settings.media_host, port).close()
        except OSError as error:
            raise PortTaken(
                f"port {port} cannot be used ({error.strerror}): perhaps webclass runs already; "
                f"stop the other program or choose another {setting}"
            ) from error


def _bind_tcp(host: str, port: int) -> socket.socket:
    address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    listener = socket.socket(address[0], socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address[4])
        listener.listen(1)
    except OSError:
        listener.close()
        raise
    return listener
