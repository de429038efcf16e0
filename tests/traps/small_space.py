"""Trap 19: under a small RLIMIT_AS running out of memory is an exception, and life goes on."""
import threading

hoard = []
try:
    while True:
        hoard.append(bytearray(10 << 20))
except MemoryError:
    pass
assert len(hoard) > 15, len(hoard)
hoard.clear()
small = [str(i) * 10 for i in range(200_000)]
assert sum(map(len, small)) == 10_888_900
threads = [threading.Thread(target=lambda: [bytes(n) for n in range(3000)]) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
with open("/proc/self/maps", encoding="utf-8") as maps:
    assert "libhakmem" in maps.read()
