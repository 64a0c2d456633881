"""Telemetry accepts clients, streams, and keeps streaming.

Checklist lines 96-97, 1208, 1317, 1333, 1538.
"""

from preflight.fixtures import item, not_built


@item("HLT-TEL-01")
def test_telemetry_server_is_running():
    """The telemetry server is running."""
    not_built()


@item("HLT-TEL-02")
def test_websocket_connections_are_accepted():
    """The telemetry server accepts WebSocket connections."""
    not_built()


@item("HLT-TEL-03")
def test_stream_begins_within_two_seconds():
    """Telemetry begins to stream within two seconds of connecting."""
    not_built()


@item("HLT-TEL-04")
def test_messages_can_be_decoded():
    """Telemetry messages, text and binary, can be decoded."""
    not_built()


@item("HLT-TEL-05")
def test_connection_stays_up_and_answers_a_ping():
    """A telemetry connection stays up and answers a ping."""
    not_built()


@item("HLT-TEL-06")
def test_ten_clients_are_served_at_once():
    """Ten telemetry clients are served at once."""
    not_built()


@item("HLT-AFTER-15")
def test_telemetry_streams_after_the_deployment():
    """Telemetry streams after the deployment."""
    not_built()


@item("HLT-HOUR-07")
def test_websocket_connections_are_stable():
    """WebSocket connections are stable."""
    not_built()
