"""Every attempt, by kind, in the order in which they are tried and printed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ringfence.confine.attempts import code, families, files, local, network, privileges, processes, ring
from ringfence.confine.attempts.outcome import Attempt, Given


def _of(*attempts: tuple[str, Callable[[Given], str]]) -> tuple[Attempt, ...]:
    """Attempts whose functions say in their first line what is tried."""
    return tuple(Attempt(name, (function.__doc__ or "").partition("\n")[0], function) for name, function in attempts)


NETWORK: Final = _of(
    ("tcp4", network.tcp4),
    ("tcp6", network.tcp6),
    ("tcp4-mapped", network.mapped),
    ("tcp4-fast-open", network.fast_open),
    ("tcp4-reused-accepted", network.reused_accepted),
    ("tcp4-reused-listener", network.reused_listener),
    ("mptcp", network.mptcp),
    ("sctp", network.sctp),
    ("dccp", network.dccp),
    ("udp4", network.udp4),
    ("udp6", network.udp6),
    ("udplite", network.udplite),
    ("icmp4", network.icmp4),
    ("icmp4-ping", network.ping4),
    ("icmp6", network.icmp6),
    ("raw4", network.raw4),
    ("dns", network.dns),
    ("dns-by-hand", network.dns_by_hand),
    ("dns-over-tcp", network.dns_over_tcp),
    ("metadata", network.metadata),
    ("proxy-environment", network.environment_proxy),
    ("proxy-files", network.file_proxy),
    ("listen-tcp", network.listen),
    ("listen-udp", network.listen_udp),
    ("io-uring-socket", ring.make_socket),
    ("io-uring-connect", ring.connect),
)
"""Packets to somewhere else, and from there."""

FAMILIES: Final = _of(
    ("packet-raw", families.packet_raw),
    ("packet-datagram", families.packet_datagram),
    ("vsock", families.vsock),
    ("netlink-route", families.route),
    ("netlink-generic", families.generic),
    ("netlink-netfilter", families.netfilter),
    ("netlink-uevent", families.uevent),
    ("af-alg", families.crypto),
    ("bluetooth", families.bluetooth),
    ("can", families.can),
    ("smc", families.smc),
    ("rds", families.rds),
    ("tipc", families.tipc),
    ("xdp", families.xdp),
    ("ipsec-key", families.key),
    ("rxrpc", families.rxrpc),
    ("qipcrtr", families.modem),
    ("rare-families", families.rare),
)
"""Sockets of other families."""

LOCAL: Final = (
    *_of(
        ("unix-abstract", local.abstract),
        ("unix-given", local.foreign),
        ("unix-session", local.session_bus),
        ("unix-beside", local.beside),
        ("descriptor-handed-over", local.receive_socket),
    ),
    *(Attempt(f"unix-{kind}", f"The unix sockets of {kind}.", local.well_known(kind)) for kind in local.WELL_KNOWN),
)
"""Unix sockets of others."""

PROCESSES: Final = _of(
    ("ptrace", processes.ptrace),
    ("proc-mem-read", processes.read_memory_file),
    ("proc-mem-write", processes.write_memory_file),
    ("process-vm-readv", processes.read_memory),
    ("process-vm-writev", processes.write_memory),
    ("pidfd-getfd", processes.take_descriptor),
    ("kill", processes.signal),
    ("proc-environ", processes.environment),
    ("proc-fd", processes.descriptors),
    ("proc-root", processes.root),
    ("kcmp", processes.compare),
    ("process-madvise", processes.advise),
    ("prlimit", processes.limits),
)
"""Other processes."""

CODE: Final = _of(
    ("exec-written", code.written_file),
    ("exec-written-script", code.written_script),
    ("memfd-exec", code.anonymous_file),
    ("memfd-exec-path", code.anonymous_file_by_path),
    ("ld-preload", code.preload),
    ("dlopen-written", code.written_library),
    ("mmap-write-execute", code.write_and_execute),
    ("mprotect-execute", code.make_executable),
    ("personality", code.personality),
    ("userfaultfd", code.page_faults),
    ("setuid-program", code.setuid_run),
    ("setuid-file", code.setuid_file),
    ("tiocsti", code.type_into_terminal),
)
"""Code that was not installed."""

FILES: Final = (
    *(
        Attempt(f"write-{place}", f"A file left in {files.PLACES[place]}.", files.write(place))
        for place in files.PLACES
    ),
    *(
        Attempt(name, f"{files.SWITCHES[name][0]}, opened to be written.", files.switch(name))
        for name in files.SWITCHES
    ),
    *(Attempt(name, f"{files.DEVICES[name][0]}, opened.", files.device(name)) for name in files.DEVICES),
    *_of(
        ("secrets", files.secrets),
        ("inotify", files.watch),
        ("fanotify", files.watch_all),
        ("open-by-handle", files.by_handle),
        ("mknod", files.make_device),
    ),
)
"""Files and devices of others."""

PRIVILEGES: Final = (
    *(
        Attempt(f"unshare-{kind}", f"A {kind} namespace of its own.", privileges.unshare(kind))
        for kind in privileges.NAMESPACES
    ),
    *_of(
        ("clone-user", privileges.clone_user),
        ("clone3-user", privileges.clone3_user),
        ("setns-net", privileges.join_network),
        ("setns-mount", privileges.join_mounts),
        ("mount", privileges.mount),
        ("fsopen", privileges.open_file_system),
        ("open-tree", privileges.clone_mount),
        ("umount", privileges.unmount),
        ("chroot", privileges.chroot),
        ("pivot-root", privileges.pivot_root),
        ("bpf", privileges.bpf),
        ("perf", privileges.perf),
        ("keyctl", privileges.keyring),
        ("add-key", privileges.add_key),
        ("kexec", privileges.kexec),
        ("module", privileges.load_module),
        ("module-from-memory", privileges.load_module_from_memory),
        ("module-unload", privileges.unload_module),
        ("ioperm", privileges.ports),
        ("swapon", privileges.swap),
        ("reboot", privileges.reboot),
        ("syslog", privileges.kernel_log),
        ("sethostname", privileges.rename_host),
        ("quotactl", privileges.quota),
        ("realtime", privileges.realtime),
        ("setuid", privileges.become_root),
        ("x32", privileges.other_machine_code),
    ),
)
"""The kernel's own doors."""

ALL: Final = (*NETWORK, *FAMILIES, *LOCAL, *PROCESSES, *CODE, *FILES, *PRIVILEGES)
"""All of them."""


def named(name: str) -> Attempt:
    """The attempt of that name.

    Raises:
        KeyError: there is none.
    """
    for attempt in ALL:
        if attempt.name == name:
            return attempt
    raise KeyError(f"no attempt is called {name}")
