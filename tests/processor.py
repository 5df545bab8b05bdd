"""Who makes the processor that the tests run on."""

from __future__ import annotations

INTEL = 0x8086
"""Intel's number among the makers of PCI devices."""


def is_intel() -> bool:
    """Whether the CPU is Intel's, as onnxruntime sees it."""
    import onnxruntime

    devices = (each.device for each in onnxruntime.get_ep_devices() if each.ep_name == "CPUExecutionProvider")
    return any(device.vendor_id == INTEL for device in devices)
