"""Certificates that are renewed while a process runs, without a call that notices.

Certificates      one process's PEM files, read anew when they change; what does not fit together is not taken
AsyncChannel      what a stub asks of a channel; each call goes over a connection of the newest certificates, and
ThreadChannel     calls in flight end on the one that they began on
server credentials are made of `Certificates` by `ringfence.tls.server_credentials`
"""

from ringfence.renewal.aio import AsyncChannel
from ringfence.renewal.certificates import CertificateError, Certificates, Identity, Pems
from ringfence.renewal.threads import ThreadChannel

__all__ = ["AsyncChannel", "CertificateError", "Certificates", "Identity", "Pems", "ThreadChannel"]
