"""A small program for the process tests: says it is ready, then waits, or fails as told."""

import json
import os
import signal
import sys
import time

if __name__ == "__main__":
    manner = sys.argv[1]
    if manner == "fails":
        sys.exit("workbench: port 1 is taken; choose another with --port")
    if manner == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if manner != "mute":
        sys.stdout.write(json.dumps({"pid": os.getpid()}) + "\n")
        sys.stdout.flush()
    time.sleep(60)
