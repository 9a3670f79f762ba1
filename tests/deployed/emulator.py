"""ministack, an emulator of AWS, in this process's own way: on loopback, and without Nagle's algorithm,
which would hold each answer of its Runtime API for 40 ms."""

import socketserver

socketserver.StreamRequestHandler.disable_nagle_algorithm = True

from ministack.app import main  # noqa: E402

main()
