extends Node3D
## A box that turns before the eyes, drawn once for each. Ends by itself when the runtime is gone.

const NO_HEADSET := 3
const RUNTIME_GONE := 4
## Godot goes on when its runtime has died, without a signal. A head that is followed never stays in one place to the last bit.
const STILL_S := 3.0

var _seen := Transform3D.IDENTITY
var _moved_ms := 0
var _started := false


func _ready() -> void:
	var headset: OpenXRInterface = XRServer.find_interface("OpenXR")
	if headset == null or not headset.is_initialized():
		printerr("no OpenXR session: is a runtime active, and a headset on?")
		get_tree().quit(NO_HEADSET)
		return
	headset.session_loss_pending.connect(func() -> void: get_tree().quit(RUNTIME_GONE))
	headset.session_focussed.connect(func() -> void: _started = true)
	DisplayServer.window_set_vsync_mode(DisplayServer.VSYNC_DISABLED)
	Engine.max_fps = 0
	get_viewport().use_xr = true


func _process(_delta: float) -> void:
	$Box.rotate_y(0.02)
	var now := Time.get_ticks_msec()
	var head: Transform3D = $Origin/Camera.global_transform
	if head != _seen or not _started:
		_seen = head
		_moved_ms = now
	elif now - _moved_ms > 1000.0 * STILL_S:
		printerr("the head has not moved for %.0f s: the runtime is gone, or nobody wears the headset" % STILL_S)
		get_tree().quit(RUNTIME_GONE)
