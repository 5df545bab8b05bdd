"""Carries IP packets between pairs of TUN devices, late, at a rate, and not all of them: `python wires.py FD FD ...`.

tc's netem would do it in the kernel, but is a module that small kernels lack. Each pair of descriptors is a wire. A
line of standard input, `WIRE DELAY LOSS RATE`, sets one: seconds each way, the share of packets that are lost, bytes a
second (0: no limit).
"""

from __future__ import annotations

import contextlib
import heapq
import os
import random
import select
import sys
import time

_PACKET = 65536  # bytes: more than any
_BUFFER_SECONDS = 0.5
"""What waits longer for a slow wire is thrown away, as by a router whose queue is full."""


def carry(wires: list[tuple[int, int]]) -> None:
    """Carry packets until standard input ends."""
    settings = [(0.0, 0.0, 0.0)] * len(wires)
    number = {end: index for index, ends in enumerate(wires) for end in ends}
    other = {end: ends[1 - side] for ends in wires for side, end in enumerate(ends)}
    free_at = dict.fromkeys(other, 0.0)
    under_way: list[tuple[float, int, int, bytes]] = []
    count = 0
    poll = select.poll()
    for descriptor in (sys.stdin.fileno(), *other):
        os.set_blocking(descriptor, False)
        poll.register(descriptor, select.POLLIN)
    while True:
        now = time.monotonic()
        while under_way and under_way[0][0] <= now:
            _, _, end, packet = heapq.heappop(under_way)
            with contextlib.suppress(OSError):  # a host that is gone, or whose device is full
                os.write(end, packet)
        pause = max(0.0, under_way[0][0] - now) * 1000 if under_way else None
        for end, _ in poll.poll(pause):
            if end not in other:
                lines = os.read(end, _PACKET)
                if not lines:
                    return
                for line in lines.splitlines():
                    wire, *values = line.split()
                    delay, loss, rate = map(float, values)
                    settings[int(wire)] = (delay, loss, rate)
                continue
            packet = os.read(end, _PACKET)
            now = time.monotonic()
            delay, loss, rate = settings[number[end]]
            leaves = max(now, free_at[end]) if rate else now
            if random.random() < loss or leaves - now > _BUFFER_SECONDS:
                continue
            free_at[end] = leaves = leaves + (len(packet) / rate if rate else 0)
            count += 1
            heapq.heappush(under_way, (leaves + delay, count, other[end], packet))


if __name__ == "__main__":
    descriptors = [int(word) for word in sys.argv[1:]]
    carry(list(zip(descriptors[::2], descriptors[1::2], strict=True)))
