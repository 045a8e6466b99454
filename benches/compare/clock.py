"""A mail server that takes everything at once and notes when, and the run that is paced before it."""

import asyncio
import subprocess
import threading
import time

from batches import Batch
from measure import Failed, free_port

ALLOWED = 600  # letters in any minute
MINUTES = 3


class Recorder:
    """Speaks as much SMTP (RFC 5321) as a client needs, in a thread of its own."""

    def __init__(self, port):
        self.port = port
        self.offered = []
        self.taken = []

    def __enter__(self):
        started = threading.Event()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._serve, args=[started], daemon=True)
        self.thread.start()
        if not started.wait(10):
            raise Failed("the recording server did not start")
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    def _serve(self, started):
        asyncio.set_event_loop(self.loop)
        start = asyncio.start_server(self._converse, "127.0.0.1", self.port, limit=1 << 20)
        server = self.loop.run_until_complete(start)
        started.set()
        self.loop.run_forever()
        server.close()

    async def _converse(self, reader, writer):
        writer.write(b"220 recorder.example\r\n")
        try:
            while line := await reader.readline():
                verb = line[:4].upper()
                if verb == b"DATA":
                    writer.write(b"354 go on\r\n")
                    await reader.readuntil(b"\r\n.\r\n")
                    self.taken.append(time.perf_counter())
                elif verb == b"MAIL":
                    self.offered.append(time.perf_counter())
                writer.write(b"250 recorder.example\r\n" if verb != b"QUIT" else b"221 bye\r\n")
                if verb == b"QUIT":
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def pacing(bench):
    """A limit of so many letters a minute, with two kills while letters go out."""
    port = free_port()
    batch = Batch(
        bench.data / "pacing", ALLOWED * MINUTES, 1024, port=port, messages_per_minute=ALLOWED
    )
    batch.set(port=port)
    batch.forget()
    command = [bench.program, "send", str(batch.folder), "--yes"]
    with Recorder(port) as recorder:
        for seen in [ALLOWED // 3, ALLOWED + ALLOWED // 3, None]:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            while seen and len(recorder.taken) < seen and process.poll() is None:
                time.sleep(0.001)
            if seen:
                process.kill()
            process.wait()
    taken = sorted(recorder.taken)
    yield "sent", f"{len(taken)} letters in {taken[-1] - taken[0]:.1f} s, over two kills"
    yield "most in any 60 s", bench.ratio(most_in_a_minute(taken), at_most=ALLOWED, unit="letters")
    # Up to the first letter of the last minute: what follows does not wait any more.
    counted = ALLOWED * (MINUTES - 1)
    rate = counted / (taken[counted] - taken[0]) * 60
    yield "rate, of the allowed", bench.ratio(rate / ALLOWED, at_least=0.98)


def most_in_a_minute(moments):
    most, first = 0, 0
    for last, moment in enumerate(moments):
        while moments[first] <= moment - 60:
            first += 1
        most = max(most, last - first + 1)
    return most
