"""A named pipe on Windows' side that leads to an engine's TCP port: what Docker Desktop has, made of pywin32.

    pipe_server.py NAME PORT [silent]

`silent` takes connections and answers nothing. One connection is one thread that looks at both ends in turn, since a
pipe that is read cannot be written in the same moment.
"""

import socket
import sys
import threading
import time

import pywintypes
import win32file
import win32pipe

PIPE, PORT, SILENT = rf"\\.\pipe\{sys.argv[1]}", int(sys.argv[2]), "silent" in sys.argv[3:]
GONE = (109, 232, 233)  # broken, closing, nobody at the other end


def serve(pipe: object) -> None:
    """Carry bytes both ways until one end is gone."""
    try:
        with socket.create_connection(("127.0.0.1", PORT)) as engine:
            engine.setblocking(False)
            while True:
                waiting = win32pipe.PeekNamedPipe(pipe, 0)[1]
                if waiting:
                    data = win32file.ReadFile(pipe, waiting)[1]
                    if not SILENT:
                        engine.sendall(data)
                try:
                    answer = engine.recv(65536)
                except BlockingIOError:
                    time.sleep(0.002)
                    continue
                if not answer:
                    return
                win32file.WriteFile(pipe, answer)
                win32file.FlushFileBuffers(pipe)
    except OSError:
        return  # the engine is gone, and so shall the pipe be
    except pywintypes.error as error:
        if error.winerror not in GONE:
            raise
    finally:
        win32file.CloseHandle(pipe)


told = False
while True:
    end = win32pipe.CreateNamedPipe(
        PIPE,
        win32pipe.PIPE_ACCESS_DUPLEX,
        win32pipe.PIPE_TYPE_BYTE | win32pipe.PIPE_READMODE_BYTE | win32pipe.PIPE_WAIT,
        win32pipe.PIPE_UNLIMITED_INSTANCES,
        65536,
        65536,
        0,
        None,
    )
    if not told:
        print("listening", flush=True)
        told = True
    try:
        win32pipe.ConnectNamedPipe(end, None)
    except pywintypes.error:
        win32file.CloseHandle(end)
        continue
    threading.Thread(target=serve, args=(end,), daemon=True).start()
