"""The daemon's gRPC services: protobuf at the door, values behind it."""
