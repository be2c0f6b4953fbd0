"""Receives what services say to a service manager, and prints each message as a line of JSON."""

import json
import socket
import sys

receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print(json.dumps({"listening": sys.argv[1]}), flush=True)
while True:
    # Descriptors that come with a message are closed by the kernel, which is what systemd-notify waits for.
    message = receiver.recv(4096).decode()
    print(json.dumps({"message": message}), flush=True)
