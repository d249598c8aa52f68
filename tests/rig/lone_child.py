"""One of the supervisor's children without a supervisor: `python -m rig.lone_child clock`."""

import os
import socket
import sys

from revolution_hub.cli.children.programs import run
from revolution_hub.supervisor import Given

if __name__ == "__main__":
    _ours, _theirs = socket.socketpair()
    _reading, _writing = os.pipe()
    run(Given(role=sys.argv[1], name="x", bell=_ours.fileno(), reports=_theirs.fileno(), lifeline=_reading))
