"""Structured payloads: what a schema says is an identifier is one, whatever it contains."""

from ringfence.recognize.payload.cut import settle
from ringfence.recognize.payload.fhir import is_fhir
from ringfence.recognize.payload.reading import Payload, payload_reading, read_payload

__all__ = ["Payload", "is_fhir", "payload_reading", "read_payload", "settle"]
