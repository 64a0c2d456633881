"""A graphics context on Windows: OpenGL through a hidden window of GLFW. For the child process alone.

Written against pyopenxr's own structures and not yet run on a Windows station.
"""

from __future__ import annotations

import ctypes
from typing import Any

import xr

from preflight.openxr.binding import Trouble, function


class Graphics:
    """An OpenGL context that a session can be bound to. Raises Trouble when there is no window system."""

    extensions = ("XR_KHR_opengl_enable",)
    formats = (0x8C43, 0x8058)
    """GL_SRGB8_ALPHA8, GL_RGBA8."""

    def __init__(self) -> None:
        import glfw
        from OpenGL import GL, WGL
        from xr.platform import windows

        self._gl, self._wgl, self._windows = GL, WGL, windows
        self.image_type = windows.SwapchainImageOpenGLKHR
        if not glfw.init():
            raise Trouble("no graphics", "GLFW finds no desktop to open a window on; run in an interactive session")
        glfw.window_hint(glfw.VISIBLE, glfw.FALSE)
        glfw.window_hint(glfw.CONTEXT_VERSION_MAJOR, 4)
        glfw.window_hint(glfw.CONTEXT_VERSION_MINOR, 5)
        # kept: the context goes with its window
        self._window = glfw.create_window(64, 64, "preflight", None, None)
        if not self._window:
            raise Trouble("no graphics", "the graphics driver gives no OpenGL 4.5 context")
        glfw.make_context_current(self._window)
        glfw.swap_interval(0)
        self.renderer = GL.glGetString(GL.GL_RENDERER).decode()
        self._framebuffer = GL.glGenFramebuffers(1)

    def binding(self, instance: Any, system: int) -> Any:
        """What a session's `next` points to; the runtime's requirements are asked for, as it demands."""
        needs = self._windows.GraphicsRequirementsOpenGLKHR()
        ask = function(instance, "xrGetOpenGLGraphicsRequirementsKHR", xr.Instance, ctypes.c_uint64, ctypes.c_void_p)
        if ask(instance, system, ctypes.byref(needs)) != 0:
            raise Trouble("no graphics", "the runtime does not say which OpenGL it needs")
        self._bound = self._windows.GraphicsBindingOpenGLWin32KHR(
            h_dc=self._wgl.wglGetCurrentDC(), h_glrc=self._wgl.wglGetCurrentContext()
        )
        return ctypes.cast(ctypes.pointer(self._bound), ctypes.c_void_p)

    def draw(self, image: Any, shade: float) -> None:
        """Fill a picture with a colour: enough for the compositor to have something new to show."""
        gl = self._gl
        gl.glBindFramebuffer(gl.GL_FRAMEBUFFER, self._framebuffer)
        gl.glFramebufferTexture2D(gl.GL_FRAMEBUFFER, gl.GL_COLOR_ATTACHMENT0, gl.GL_TEXTURE_2D, image.image, 0)
        gl.glClearColor(shade, 0.5, 0.2, 1.0)
        gl.glClear(gl.GL_COLOR_BUFFER_BIT)

    def done(self) -> None:
        """Hand what was drawn to the driver."""
        self._gl.glFlush()
