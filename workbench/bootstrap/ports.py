"""Is a port free? Asked before anything starts, so that a taken port leaves nothing half-started."""

import contextlib
import socket

from workbench.domain.errors import StartError

HOST = "127.0.0.1"


def require_free(port: int, what: str, setting: str) -> None:
    """Raises StartError naming `what` wanted the port, and the `setting` that moves it. Port 0 is always free."""
    if port == 0:
        return
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do: TIME_WAIT is not "taken"
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise StartError(
                f"port {port}, wanted by {what}, cannot be had ({error.strerror}); stop what uses it, or set {setting}"
            ) from None
