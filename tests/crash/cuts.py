"""A proxy between the registry and PostgreSQL that cuts connections around a COMMIT."""

import socket
import threading

COMMIT = b"\0commit\0"  # in a Bind message: the portal without a name, then the statement's


class Proxy:
    """Between the registry and PostgreSQL. Of the next COMMITs it cuts the connection: `before` the server has it, or
    `after` the server has done it and before the answer is through."""

    def __init__(self, target):
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.orders = []
        self.done = {"before": 0, "after": 0}
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.target)
            cut = threading.Event()
            for work in (self.forward, self.back):
                threading.Thread(target=work, args=(client, server, cut), daemon=True).start()

    def take_order(self):
        with self.lock:
            return self.orders.pop(0) if self.orders else None

    def forward(self, client, server, cut):
        try:
            while data := client.recv(65536):
                order = self.take_order() if COMMIT in data else None
                if order == "after":
                    cut.set()  # from now on answers stay here
                if order != "before":
                    server.sendall(data)
                if order:
                    if order == "after":
                        # The server answers, and `back` sees it; then both ends hear no more.
                        continue
                    self.end(client, server, order)
                    return
        except OSError:
            pass
        self.close(client, server)

    def back(self, client, server, cut):
        try:
            while data := server.recv(65536):
                if cut.is_set():
                    self.end(client, server, "after")
                    return
                client.sendall(data)
        except OSError:
            pass
        self.close(client, server)

    def end(self, client, server, order):
        with self.lock:
            self.done[order] += 1
        self.close(client, server)

    @staticmethod
    def close(*sockets):
        for one in sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def stop(self):
        self.listener.close()
