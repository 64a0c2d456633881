"""Vulkan on Linux, where EGL gives no context: XR_KHR_vulkan_enable2 by the package `vulkan`. For the child process alone.

The runtime makes Vulkan's instance and device itself, from the structures given to it; the package wraps what comes back.
"""

from __future__ import annotations

import ctypes
from typing import Any

import vulkan
import xr
from xr.platform import linux

from preflight.openxr.binding import Trouble, function

_POINTER = ctypes.c_void_p
_SHOWN, _WRITTEN = vulkan.VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL, vulkan.VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL
_ANY_FAMILY = 0xFFFFFFFF


class _CreateInfo(ctypes.Structure):
    """XrVulkanInstanceCreateInfoKHR; XrVulkanDeviceCreateInfoKHR has the device before `info`."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("next", _POINTER),
        ("system", ctypes.c_uint64),
        ("flags", ctypes.c_uint64),
        ("get_proc_address", _POINTER),
        ("info", _POINTER),
        ("allocator", _POINTER),
    )


class _DeviceCreateInfo(ctypes.Structure):
    _fields_ = (
        *_CreateInfo._fields_[:5],
        ("physical_device", _POINTER),
        ("info", _POINTER),
        ("allocator", _POINTER),
    )


class _DeviceGetInfo(ctypes.Structure):
    _fields_ = (("type", ctypes.c_int), ("next", _POINTER), ("system", ctypes.c_uint64), ("instance", _POINTER))


class _Binding(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("next", _POINTER),
        ("instance", _POINTER),
        ("physical_device", _POINTER),
        ("device", _POINTER),
        ("family", ctypes.c_uint32),
        ("queue", ctypes.c_uint32),
    )


class Graphics:
    """A Vulkan device that a session can be bound to. Raises Trouble where there is no driver."""

    extensions = ("XR_KHR_vulkan_enable2",)
    formats = (43, 37)
    """VK_FORMAT_R8G8B8A8_SRGB, VK_FORMAT_R8G8B8A8_UNORM."""
    image_type = linux.SwapchainImageVulkanKHR

    def __init__(self) -> None:
        about = vulkan.VkApplicationInfo(pApplicationName="SpaceTime preflight", apiVersion=vulkan.VK_MAKE_VERSION(1, 1, 0))
        self._instance_info = vulkan.VkInstanceCreateInfo(pApplicationInfo=about)
        try:
            made = vulkan.vkCreateInstance(self._instance_info, None)
            devices = vulkan.vkEnumeratePhysicalDevices(made)
            self.renderer = str(vulkan.vkGetPhysicalDeviceProperties(devices[0]).deviceName)
            vulkan.vkDestroyInstance(made, None)
        except (vulkan.VkError, vulkan.VkException, IndexError, OSError) as error:
            raise Trouble("no graphics", f"Vulkan finds no driver here ({type(error).__name__})") from error

    def binding(self, instance: Any, system: int) -> Any:
        """What a session's `next` points to; the runtime's requirements are asked for, as it demands."""
        kinds, system = xr.StructureType, int(getattr(system, "value", system))

        def ask(name: str, *given: Any) -> None:
            kept = [xr.Instance, *(ctypes.c_uint64 if isinstance(value, int) else _POINTER for value in given)]
            if function(instance, name, *kept)(instance, *(v if isinstance(v, int) else ctypes.byref(v) for v in given)):
                raise Trouble("no graphics", f"the runtime refuses {name}")

        ask("xrGetVulkanGraphicsRequirements2KHR", system, linux.GraphicsRequirementsVulkanKHR())
        loader = ctypes.cast(ctypes.CDLL("libvulkan.so.1").vkGetInstanceProcAddr, _POINTER)
        made, chosen, device, result = _POINTER(), _POINTER(), _POINTER(), ctypes.c_int()
        info = _CreateInfo(kinds.VULKAN_INSTANCE_CREATE_INFO_KHR.value, None, system, 0, loader, _address(self._instance_info))
        ask("xrCreateVulkanInstanceKHR", info, made, result)
        wanted = _DeviceGetInfo(kinds.VULKAN_GRAPHICS_DEVICE_GET_INFO_KHR.value, None, system, made.value)
        ask("xrGetVulkanGraphicsDevice2KHR", wanted, chosen)
        queue = vulkan.VkDeviceQueueCreateInfo(queueFamilyIndex=0, queueCount=1, pQueuePriorities=[1.0])
        self._device_info = vulkan.VkDeviceCreateInfo(queueCreateInfoCount=1, pQueueCreateInfos=[queue])
        asked = _DeviceCreateInfo(kinds.VULKAN_DEVICE_CREATE_INFO_KHR.value, None, system, 0, loader, chosen.value)
        asked.info = _address(self._device_info)
        ask("xrCreateVulkanDeviceKHR", asked, device, result)
        if result.value or device.value is None:
            raise Trouble("no graphics", "the runtime makes no Vulkan device")
        # the package finds its functions by the instance, so it has to see that one as well
        self._instance = vulkan.ffi.cast("VkInstance", made.value)
        self._commands(vulkan.ffi.cast("VkDevice", device.value))
        self._bound = _Binding(kinds.GRAPHICS_BINDING_VULKAN_KHR.value, None, made.value, chosen.value, device.value, 0, 0)
        return ctypes.cast(ctypes.pointer(self._bound), _POINTER)

    def _commands(self, device: Any) -> None:
        self._queue = vulkan.vkGetDeviceQueue(device, 0, 0)
        again = vulkan.VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT
        pool = vulkan.vkCreateCommandPool(device, vulkan.VkCommandPoolCreateInfo(flags=again, queueFamilyIndex=0), None)
        primary = vulkan.VK_COMMAND_BUFFER_LEVEL_PRIMARY
        wanted = vulkan.VkCommandBufferAllocateInfo(commandPool=pool, level=primary, commandBufferCount=1)
        self._recorder = vulkan.vkAllocateCommandBuffers(device, wanted)[0]

    def draw(self, image: Any, shade: float) -> None:
        """Fill a picture with a colour: enough for the compositor to have something new to show."""
        picture = vulkan.ffi.cast("VkImage", ctypes.cast(image.image, _POINTER).value)
        whole = vulkan.VkImageSubresourceRange(
            aspectMask=vulkan.VK_IMAGE_ASPECT_COLOR_BIT, baseMipLevel=0, levelCount=1, baseArrayLayer=0, layerCount=1
        )
        once = vulkan.VkCommandBufferBeginInfo(flags=vulkan.VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT)
        vulkan.vkBeginCommandBuffer(self._recorder, once)
        self._turn(picture, whole, _SHOWN, _WRITTEN)
        colour = vulkan.VkClearColorValue(float32=[shade, 0.5, 0.2, 1.0])
        vulkan.vkCmdClearColorImage(self._recorder, picture, _WRITTEN, colour, 1, [whole])
        self._turn(picture, whole, _WRITTEN, _SHOWN)
        vulkan.vkEndCommandBuffer(self._recorder)
        work = vulkan.VkSubmitInfo(commandBufferCount=1, pCommandBuffers=[self._recorder])
        vulkan.vkQueueSubmit(self._queue, 1, [work], None)
        vulkan.vkQueueWaitIdle(self._queue)

    def _turn(self, picture: Any, whole: Any, before: int, after: int) -> None:
        """Bring a picture from one layout to another, after everything before and before everything after."""
        barrier = vulkan.VkImageMemoryBarrier(
            srcAccessMask=vulkan.VK_ACCESS_MEMORY_WRITE_BIT,
            dstAccessMask=vulkan.VK_ACCESS_MEMORY_WRITE_BIT,
            oldLayout=before,
            newLayout=after,
            srcQueueFamilyIndex=_ANY_FAMILY,
            dstQueueFamilyIndex=_ANY_FAMILY,
            image=picture,
            subresourceRange=whole,
        )
        every = vulkan.VK_PIPELINE_STAGE_ALL_COMMANDS_BIT
        vulkan.vkCmdPipelineBarrier(self._recorder, every, every, 0, 0, None, 0, None, 1, [barrier])

    def done(self) -> None:
        """Nothing is left to hand over: each picture was waited for."""


def _address(structure: Any) -> int:
    ffi = vulkan.ffi
    is_struct = ffi.typeof(structure).kind == "struct"
    return int(ffi.cast("uintptr_t", ffi.addressof(structure) if is_struct else structure))
