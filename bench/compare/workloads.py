"""What is compared: each workload names its servers and how one measurement of one server is made.

A measurement is a dict with at least "rate" (votes or requests a second). Every tallyd run has voters
of its own, so every vote is another voter unless the mix says otherwise.
"""

import itertools
import json
import os
import subprocess

from servers import BIN

WARMUP_SECONDS = 0.3
TOKENS_PER_SECOND = 150_000  # more than are used; were they fewer, the run would be shorter
_next_voter = itertools.count(1)


def stolen_seconds():
    """CPU time of all cores that went to other machines on the same host, if the host says so."""
    with open("/proc/stat", encoding="ascii") as stat:
        return int(stat.readline().split()[8]) / os.sysconf("SC_CLK_TCK")


def load(server, *flags, seconds, prompt=False):
    """One run of tallyload against the server. A prompt one does not wait for the server's threads
    to leave it a core, as voters elsewhere do not (SCHED_FIFO)."""
    creates_its_poll = server.name == "tallyd"
    command = ["chrt", "-f", "1"] if prompt else []
    command += [BIN / "tallyload", "--json", "--url", f"http://127.0.0.1:{server.port}",
               "--warmup", str(WARMUP_SECONDS), "-s", str(seconds),
               "--first-voter", str(next(_next_voter) << 32), *flags]
    if "--get" in flags:
        pass
    elif creates_its_poll:
        command += ["--admin", f"http://127.0.0.1:{server.admin_port}"]
        if "--create" not in flags:
            command += ["--create", "10"]
    else:
        command += ["--assume-options", "10"]
    cpu = server.cpu_seconds()
    stolen = stolen_seconds()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    report = json.loads(done.stdout)
    latency = report["latency_ms"]
    whole = report["seconds"] + WARMUP_SECONDS
    return {"rate": report["votes_per_second"], "p50": latency["p50"], "p99": latency["p99"],
            "p99.9": latency["p99.9"], "max": latency["max"], "refused": report["refused"],
            "duplicate": report["duplicate"], "late_p99": report["lateness_ms"]["p99"],
            "generator_cores": report["generator_cpu_seconds"] / report["seconds"],
            "server_cores": (server.cpu_seconds() - cpu) / whole,
            "stolen_cores": (stolen_seconds() - stolen) / whole}


def http(*flags):
    return lambda server, seconds: load(server, *flags, seconds=seconds)


def get_ranking(not_modified):
    """The ranking of 100 options, some 10 kB, from memory or from a file."""
    def run(server, seconds):
        path = "/files/ranking.json" if server.name == "N" else "/v1/polls/wide/ranking"
        flags = ["-c", "64", "--get", path]
        if not_modified:
            flags += ["--if-none-match", server.ranking_etag]
        return load(server, *flags, seconds=seconds)
    return run


def peer(connections, pipeline):
    def run(server, seconds):
        if server.name == "Redis":
            guess = 250_000 if pipeline > 1 else 60_000
            return server.run(connections, pipeline, seconds, guess)
        if server.name == "PostgreSQL":
            return server.run(connections, seconds)
        return load(server, "-c", str(connections), "-p", str(pipeline), seconds=seconds)
    return run


def authenticated(connections):
    """New voters: named by a frontend with a key, or each with a token of their own."""
    flags = ["-c", str(connections)]

    def run(server, seconds):
        if server.name == "tallyd":
            return load(server, *flags, seconds=seconds)
        poll = f"load-{next(_next_voter)}"
        server.create_poll(poll)
        if server.name == "tallyd, API key":
            who = ["--token-file", server.key_file]
        else:
            tokens = server.write_voter_tokens(int(TOKENS_PER_SECOND * (seconds + WARMUP_SECONDS)))
            who = ["--voter-tokens", tokens]
        try:
            return load(server, *flags, "--poll", poll, *who, seconds=seconds)
        finally:
            if server.name == "tallyd, HS256":
                tokens.unlink()
    return run


# name: (servers in the order of a round, measurement)
WORKLOADS = {
    "1 vote a request, 64 connections": (("A", "N", "tallyd"), http("-c", "64")),
    "1 vote a request, 256 connections": (("A", "N", "tallyd"), http("-c", "256")),
    "1 vote a request, 1,024 connections": (("A", "N", "tallyd"), http("-c", "1024")),
    "16 pipelined, 256 connections": (("A", "tallyd"), http("-c", "256", "-p", "16")),
    "NDJSON batches of 1,000, 16 connections": (("tallyd",), http("-c", "16", "-b", "1000")),
    "peers, 256 clients": (("Redis", "PostgreSQL", "tallyd"), peer(256, 1)),
    "peers, 16 clients (PostgreSQL's best)": (("PostgreSQL", "tallyd"), peer(16, 1)),
    "peers, 64 clients": (("Redis", "PostgreSQL", "tallyd"), peer(64, 1)),
    "peers, 256 clients, 16 pipelined": (("Redis", "tallyd"), peer(256, 16)),
    "Voter: 6 contestants, 1 % invalid, 256 connections":
        (("tallyd",), http("-c", "256", "--poll", "voter", "--create", "6",
                           "--mix", "new=99,invalid=1")),
    "civic: 60 % new, 30 % retries, 10 % changes, 64 connections":
        (("tallyd",), http("-c", "64", "--poll", "civic", "--mix",
                           "new=60,retry=30,change=10")),
    "authenticated, 1 vote a request, 256 connections":
        (("tallyd, API key", "tallyd, HS256", "tallyd"), authenticated(256)),
    "authenticated, 1 vote a request, 64 connections":
        (("tallyd, API key", "tallyd, HS256", "tallyd"), authenticated(64)),
    "ranking GET 10 kB, 64 connections": (("N", "tallyd"), get_ranking(False)),
    "ranking GET 304, 64 connections": (("N", "tallyd"), get_ranking(True)),
}
