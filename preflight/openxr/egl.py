"""A graphics context without a window: EGL on Linux by plain ctypes. For the child process alone.

XR_MNDX_egl_enable binds it. pyopenxr's own binding structure depends on which OpenGL platform it happened to load,
so its layout stands here.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import xr
from xr.platform import linux

from preflight.openxr.binding import Trouble, function

EXTENSIONS = ("XR_MNDX_egl_enable", "XR_KHR_opengl_enable")
_POINTER = ctypes.c_void_p
_SURFACELESS, _OPENGL_API, _OPENGL_BIT = 0x31DD, 0x30A2, 0x0008
_FRAMEBUFFER, _COLOUR0, _TEXTURE_2D, _COLOUR_BIT = 0x8D40, 0x8CE0, 0x0DE1, 0x4000


class _Binding(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("next", _POINTER),
        ("get_proc_address", _POINTER),
        ("display", _POINTER),
        ("config", _POINTER),
        ("context", _POINTER),
    )


class Graphics:
    """An OpenGL context that a session can be bound to. Raises Trouble when EGL gives none."""

    extensions = EXTENSIONS
    formats = (0x8C43, 0x8058)
    """GL_SRGB8_ALPHA8, GL_RGBA8."""
    image_type = linux.SwapchainImageOpenGLKHR

    def __init__(self) -> None:
        try:
            self._egl = ctypes.CDLL("libEGL.so.1")
        except OSError as error:
            raise Trouble("no graphics", "libEGL.so.1 is not installed; install libegl1") from error
        self._egl.eglGetProcAddress.restype = _POINTER
        self._egl.eglGetProcAddress.argtypes = [ctypes.c_char_p]
        for name, result, arguments in (
            ("eglInitialize", ctypes.c_uint, [_POINTER] * 3),
            ("eglBindAPI", ctypes.c_uint, [ctypes.c_uint]),
            ("eglChooseConfig", ctypes.c_uint, [_POINTER, _POINTER, _POINTER, ctypes.c_int, _POINTER]),
            ("eglCreateContext", _POINTER, [_POINTER] * 4),
            ("eglMakeCurrent", ctypes.c_uint, [_POINTER] * 4),
        ):
            entry = getattr(self._egl, name)
            entry.restype, entry.argtypes = result, arguments
        self._context()
        self._functions()

    def _context(self) -> None:
        display = self._gl("eglGetPlatformDisplayEXT", _POINTER, ctypes.c_uint, _POINTER, _POINTER)
        self._display = display(_SURFACELESS, None, None)
        if not self._egl.eglInitialize(self._display, None, None):
            raise Trouble("no graphics", "EGL finds no surfaceless display here")
        self._egl.eglBindAPI(_OPENGL_API)
        # red, green, blue of 8 bits; renderable by OpenGL; surfaces are never made
        wanted = (ctypes.c_int * 11)(0x3024, 8, 0x3023, 8, 0x3022, 8, 0x3040, _OPENGL_BIT, 0x3033, 1, 0x3038)
        self._config, found = _POINTER(), ctypes.c_int()
        self._egl.eglChooseConfig(self._display, wanted, ctypes.byref(self._config), 1, ctypes.byref(found))
        version = (ctypes.c_int * 7)(0x3098, 4, 0x30FB, 5, 0x30FD, 1, 0x3038)  # 4.5, core profile
        self._made = self._egl.eglCreateContext(self._display, self._config, None, version) if found.value else None
        if not self._made or not self._egl.eglMakeCurrent(self._display, None, None, self._made):
            raise Trouble("no graphics", "EGL gives no OpenGL 4.5 context")

    def _functions(self) -> None:
        number, whole, real = ctypes.c_uint, ctypes.c_int, ctypes.c_float
        self._bind = self._gl("glBindFramebuffer", None, number, number)
        self._attach = self._gl("glFramebufferTexture2D", None, number, number, number, number, whole)
        self._colour = self._gl("glClearColor", None, real, real, real, real)
        self._clear = self._gl("glClear", None, number)
        self._flush = self._gl("glFlush", None)
        made = number()
        self._gl("glGenFramebuffers", None, whole, ctypes.POINTER(number))(1, ctypes.byref(made))
        self._framebuffer = made.value
        renderer = self._gl("glGetString", ctypes.c_char_p, number)(0x1F01)
        self.renderer = renderer.decode() if renderer else "unknown"

    def _gl(self, name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
        address = self._egl.eglGetProcAddress(name.encode())
        if not address:
            raise Trouble("no graphics", f"the OpenGL driver lacks {name}")
        found: Callable[..., Any] = ctypes.CFUNCTYPE(result, *arguments)(address)
        return found

    def binding(self, instance: Any, system: int) -> Any:
        """What a session's `next` points to; the runtime's requirements are asked for, as it demands."""
        needs = linux.GraphicsRequirementsOpenGLKHR()
        ask = function(instance, "xrGetOpenGLGraphicsRequirementsKHR", xr.Instance, ctypes.c_uint64, _POINTER)
        if ask(instance, system, ctypes.byref(needs)) != 0:
            raise Trouble("no graphics", "the runtime does not say which OpenGL it needs")
        kind = xr.StructureType.GRAPHICS_BINDING_EGL_MNDX.value
        proc = ctypes.cast(self._egl.eglGetProcAddress, _POINTER)
        self._bound = _Binding(kind, None, proc, self._display, self._config, self._made)
        return ctypes.cast(ctypes.pointer(self._bound), _POINTER)

    def draw(self, image: Any, shade: float) -> None:
        """Fill a picture with a colour: enough for the compositor to have something new to show."""
        self._bind(_FRAMEBUFFER, self._framebuffer)
        self._attach(_FRAMEBUFFER, _COLOUR0, _TEXTURE_2D, image.image, 0)
        self._colour(shade, 0.5, 0.2, 1.0)
        self._clear(_COLOUR_BIT)

    def done(self) -> None:
        """Hand what was drawn to the driver."""
        self._flush()
