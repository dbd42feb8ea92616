#!/usr/bin/env python3
"""tools/run as a stranger uses it: starts, takes a vote, stops on Ctrl-C, and still has the vote.

    run_script_test.py ROOT

Needs the release preset to be built or buildable; uses free ports and a data folder of its own.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request

ROOT = sys.argv.pop(1)
READY_SECONDS_MAX = 900  # a cold build is part of it
POLL = "kaiserslautern-events"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def request(port, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    message = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=data,
                                     headers={"Content-Type": "application/json"} if data else {})
    try:
        with urllib.request.urlopen(message, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


class Run:
    """One tools/run in a process group of its own, so that Ctrl-C can be sent to all of it."""

    def __init__(self, *flags):
        self.process = subprocess.Popen([os.path.join(ROOT, "tools/run"), *flags], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        start_new_session=True)
        self.output = ""
        self.watchdog = threading.Timer(READY_SECONDS_MAX, self.process.terminate)
        self.watchdog.daemon = True
        self.watchdog.start()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        # tools/run passes TERM on to the server, which is in a session of its own.
        self.watchdog.cancel()
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()

    def read_until(self, text):
        for line in self.process.stdout:
            self.output += line
            if text in line:
                return
        raise AssertionError(f"tools/run ended before it said {text!r}:\n{self.output}")

    def press_ctrl_c(self):
        os.killpg(self.process.pid, signal.SIGINT)
        return self.wait()

    def wait(self):
        self.output += self.process.stdout.read()
        return self.process.wait()


def check(condition, message):
    if not condition:
        raise AssertionError(message)


def check_taken_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with Run("--port", str(port)) as run:
            code = run.wait()
            check(code == 1 and f"port {port} is taken" in run.output, f"{code}: {run.output}")


def check_flags():
    with Run("--help") as run:
        check(run.wait() == 0 and "--data-dir" in run.output, run.output)
    with Run("--no-such-flag") as run:
        check(run.wait() == 2 and "usage:" in run.output, run.output)


def check_demo(folder):
    port, admin_port = free_port(), free_port()
    flags = ("--port", str(port), "--admin-port", str(admin_port), "--data-dir", f"{folder}/demo")
    vote = {"voter": "me", "choices": ["open-air-kino", "stadtlauf"]}

    with Run(*flags) as run:
        run.read_until("/ranking")
        check("created the demo poll" in run.output, run.output)
        status, answer = request(port, f"/v1/polls/{POLL}/votes", vote)
        check((status, answer["status"]) == (201, "counted"), f"{status} {answer}")
        status, again = request(port, f"/v1/polls/{POLL}/votes", vote)
        check((status, again["receipt"]) == (200, answer["receipt"]), f"{status} {again}")
        status, poll = request(port, f"/v1/polls/{POLL}")
        check(len(poll["boxes"]) == 9 and poll["state"] == "open", f"{status} {poll}")
        code = run.press_ctrl_c()
        check(code == 0, f"Ctrl-C ended with {code}:\n{run.output}")

    with Run(*flags) as run:
        run.read_until("/ranking")
        check("is there from an earlier run" in run.output, run.output)
        status, ranking = request(port, f"/v1/polls/{POLL}/ranking")
        check(ranking["totals"]["ballots"] == 1, f"{status} {ranking}")
        check(ranking["options"]["stadtlauf"]["score"] == 1, f"{status} {ranking}")
        check(run.press_ctrl_c() == 0, run.output)


def main():
    check_flags()
    check_taken_port()
    with tempfile.TemporaryDirectory() as folder:
        check_demo(folder)
    print("tools/run does what README.md says")


if __name__ == "__main__":
    main()
