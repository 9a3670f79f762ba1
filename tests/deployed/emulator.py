"""ministack, an emulator of AWS, in this process's own way: on loopback, and without Nagle's algorithm,
which would hold each answer of its Runtime API for 40 ms; with paths as AWS has them."""

import socketserver

socketserver.StreamRequestHandler.disable_nagle_algorithm = True

from urllib.parse import unquote  # noqa: E402

from ministack.app import main  # noqa: E402
from ministack.services import apigateway  # noqa: E402

# As API Gateway itself does it with the path of an HTTP API: decoded, cut off at a question mark, decoded once more.
apigateway.decode_http_api_path = lambda path: unquote(unquote(path).partition("?")[0])

main()
