"""gRPC's own lines: none, whatever the environment asks for."""

from ringfence.quiet import quiet_grpc


def test_nothing_but_errors_is_written_and_nothing_is_traced():
    for asked in ({}, {"GRPC_VERBOSITY": "DEBUG", "GRPC_TRACE": "all"}):
        environment = {"HOME": "/root", **asked}
        quiet_grpc(environment)
        assert environment == {"HOME": "/root", "GRPC_VERBOSITY": "ERROR"}
