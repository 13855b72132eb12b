"""Tells systemd how a program of ours fares (sd_notify(3)); says nothing where there is none."""

import os
import socket
from typing import Final

_ADDRESS: Final = "NOTIFY_SOCKET"


def notify(state: str) -> None:
    """Send `state`, such as `READY=1` or `STOPPING=1`, to the service manager, if there is one.

    A program that nobody listens to works all the same, so a failure to send is no error.
    """
    address = os.environ.get(_ADDRESS)
    if not address:
        return
    if address.startswith("@"):  # a name in Linux's abstract namespace (unix(7))
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        try:
            sender.connect(address)
            sender.sendall(state.encode())
        except OSError:
            return
