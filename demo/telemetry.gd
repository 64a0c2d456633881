extends Node
## The game's telemetry: a WebSocket on this machine, events as JSON, frames as 17 bytes, snapshots packed with gzip.

const FPS_EVERY_S := 0.5
const TRACKING_EVERY_S := 0.1
const SNAPSHOT_EVERY_S := 1.0
const FRAME := 0x01
const PACKED := 0x02
const BUTTONS: Array[String] = ["trigger_click", "grip_click", "ax_button", "by_button", "primary_click"]

var _server := TCPServer.new()
var _clients: Array[WebSocketPeer] = []
var _due := {"fps": 0.0, "tracking": 0.0, "snapshot": 0.0}
var _last_us := 0
var _frame_ms := 0.0

@onready var _origin := $"../Origin"


func _ready() -> void:
	var port := int(OS.get_environment("TELEMETRY_PORT")) if OS.has_environment("TELEMETRY_PORT") else 8081
	if _server.listen(port, "127.0.0.1") != OK:
		printerr("port %d is taken" % port)


func _process(_delta: float) -> void:
	var now_us := Time.get_ticks_usec()
	_frame_ms = (now_us - _last_us) / 1000.0
	_last_us = now_us
	_welcome()
	for client in _clients:
		client.poll()
		while client.get_available_packet_count() > 0:
			_obey(client, client.get_packet().get_string_from_utf8())
	_clients = _clients.filter(func(client: WebSocketPeer) -> bool: return client.get_ready_state() < WebSocketPeer.STATE_CLOSING)
	if _is_due("fps", FPS_EVERY_S):
		_tell("fps", _performance())
		_send_frame()
	if _is_due("tracking", TRACKING_EVERY_S):
		_tell("vr_tracking", _tracking())
	if _is_due("snapshot", SNAPSHOT_EVERY_S):
		_send_snapshot()


func _welcome() -> void:
	while _server.is_connection_available():
		var client := WebSocketPeer.new()
		client.outbound_buffer_size = 1 << 20
		if client.accept_stream(_server.take_connection()) == OK:
			_clients.append(client)


func _is_due(what: String, every: float) -> bool:
	var now := Time.get_ticks_msec() / 1000.0
	if now < _due[what]:
		return false
	_due[what] = now + every
	return true


func _obey(client: WebSocketPeer, text: String) -> void:
	var said: Variant = JSON.parse_string(text)
	var command: String = str(said.get("command", "")) if said is Dictionary else ""
	match command:
		"ping":
			_tell_one(client, "pong", {})
		"get_snapshot":
			_tell_one(client, "snapshot", _snapshot())
		_:
			_tell_one(client, "error", {"message": "unknown command"})


func _performance() -> Dictionary:
	return {
		"fps": Engine.get_frames_per_second(),
		"frame_time_ms": _frame_ms,
		"physics_time_ms": 1000.0 * Performance.get_monitor(Performance.TIME_PHYSICS_PROCESS),
	}


func _tracking() -> Dictionary:
	var told := {"headset": _pose($"../Origin/Camera", XRServer.get_tracker("head"))}
	for side: String in ["Left", "Right"]:
		var hand: XRController3D = _origin.get_node(side)
		if not hand.get_is_active():
			continue
		var tracker: XRPositionalTracker = XRServer.get_tracker(hand.tracker)
		var said := _pose(hand, tracker)
		said["profile"] = tracker.profile if tracker != null else ""
		said["buttons"] = {}
		for button in BUTTONS:
			said["buttons"][button] = hand.is_button_pressed(button)
		told[side.to_lower() + "_controller"] = said
	return told


func _pose(node: Node3D, tracker: XRPositionalTracker) -> Dictionary:
	var place := node.global_position
	var turn := node.global_basis.get_rotation_quaternion()
	var pose := tracker.get_pose("default") if tracker != null else null
	return {
		"position": [place.x, place.y, place.z],
		"rotation": [turn.x, turn.y, turn.z, turn.w],
		"tracked": pose != null and pose.has_tracking_data,
	}


func _snapshot() -> Dictionary:
	return {"performance": _performance(), "vr_tracking": _tracking(), "scene": "res://main.tscn"}


func _event(event: String, data: Dictionary) -> String:
	var told := {"type": "event", "event": event, "data": data, "timestamp": Time.get_unix_time_from_system()}
	return JSON.stringify(told)


func _tell_one(client: WebSocketPeer, event: String, data: Dictionary) -> void:
	if client.get_ready_state() == WebSocketPeer.STATE_OPEN:
		client.send_text(_event(event, data))


func _tell(event: String, data: Dictionary) -> void:
	for client in _clients:
		_tell_one(client, event, data)


func _send_frame() -> void:
	var bytes := _bytes(FRAME)
	bytes.put_u32(Engine.get_frames_drawn())
	bytes.put_float(Engine.get_frames_per_second())
	bytes.put_float(_frame_ms)
	bytes.put_float(_performance()["physics_time_ms"])
	_send(bytes)


func _send_snapshot() -> void:
	var plain := JSON.stringify({"event": "snapshot", "data": _snapshot()}).to_utf8_buffer()
	var packed := plain.compress(FileAccess.COMPRESSION_GZIP)
	var bytes := _bytes(PACKED)
	bytes.put_u32(plain.size())
	bytes.put_u32(packed.size())
	bytes.put_data(packed)
	_send(bytes)


func _bytes(kind: int) -> StreamPeerBuffer:
	var bytes := StreamPeerBuffer.new()
	bytes.big_endian = true
	bytes.put_u8(kind)
	return bytes


func _send(bytes: StreamPeerBuffer) -> void:
	for client in _clients:
		if client.get_ready_state() == WebSocketPeer.STATE_OPEN:
			client.send(bytes.data_array)
