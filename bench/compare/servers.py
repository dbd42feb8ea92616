"""The servers of a comparison: each starts the real thing on loopback in a directory of its own.

start() returns once the server answers; stop() ends it and removes what it wrote. What is missing
is installed by apt.
"""

import base64
import hmac
import json
import os
import pathlib
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BIN = pathlib.Path(os.environ.get("TALLYD_BIN", ROOT / "build" / "release" / "bin"))


def install(package, path):
    """Makes sure that the program at `path` (or of that name) is there."""
    if shutil.which(path) or pathlib.Path(path).exists():
        return
    print(f"installing {package}", file=sys.stderr)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
    if os.geteuid() != 0:
        command.insert(0, "sudo")
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def base64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def wait_for_port(port, process, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"server ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("server did not listen in time")


class Server:
    name = ""

    def __init__(self):
        self.port = free_port()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tallyd-compare-"))
        self.process = None

    def command(self):
        raise NotImplementedError

    def start(self):
        self.process = subprocess.Popen(self.command(), cwd=self.directory,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(self.port, self.process)
        return self

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def cpu_seconds(self):
        """User and system time of the process so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_bytes(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


class BareEpoll(Server):
    name = "A"

    def command(self):
        return [BIN / "bare_epoll_server", str(self.port)]


class Nginx(Server):
    name = "N"

    def __init__(self, ranking=b"{}"):
        super().__init__()
        self.ranking = ranking

    def command(self):
        install("nginx-light", "/usr/sbin/nginx")
        self.directory.chmod(0o755)
        files = self.directory / "files"
        files.mkdir(exist_ok=True)
        (files / "ranking.json").write_bytes(self.ranking)
        text = (HERE / "nginx.conf").read_text()
        text = text.replace("@PORT@", str(self.port)).replace("@DIR@", str(self.directory))
        (self.directory / "nginx.conf").write_text(text)
        return ["/usr/sbin/nginx", "-p", str(self.directory), "-c", "nginx.conf"]

    def cpu_seconds(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        worker = children.read_text().split()[0]
        fields = pathlib.Path(f"/proc/{worker}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Tallyd(Server):
    name = "tallyd"

    def __init__(self, *flags):
        super().__init__()
        self.admin_port = free_port()
        self.flags = list(flags)

    def authentication(self):
        return ["--insecure-no-auth"]

    def command(self):
        return [BIN / "tallyd", "serve", *self.authentication(), "--log-level", "error",
                "--listen", f"127.0.0.1:{self.port}",
                "--admin-listen", f"127.0.0.1:{self.admin_port}",
                "--data-dir", str(self.directory / "data"), *self.flags]

    def start(self):
        super().start()
        self.wait_ready()
        return self

    def wait_ready(self):
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz") as answer:
                    if answer.status == 200:
                        return
            except OSError:
                pass
            if self.process.poll() is not None:
                raise RuntimeError("tallyd ended before it was ready")
            time.sleep(0.005)

    def kill(self):
        self.process.kill()
        self.process.wait()


class TallydAuth(Tallyd):
    """The same with authentication on: it believes one API key and the tokens of one secret."""
    issuer = "https://bench.example"

    def authentication(self):
        self.secret = secrets.token_bytes(32)
        key = {"kty": "oct", "kid": "bench", "alg": "HS256", "k": base64url(self.secret)}
        self.write("keys.json", json.dumps({"keys": [key]}))
        self.write("issuers.json", json.dumps({"issuers": [{
            "issuer": self.issuer, "audience": "tallyd", "keys_file": "keys.json",
            "scopes_max": ["vote"]}]}))
        keys_file = self.directory / "api-keys"
        text = subprocess.run([BIN / "tallyctl", "keys", "add", "bench", "--scope", "admin",
                               "--scope", "vote:on-behalf", "--file", keys_file],
                              check=True, capture_output=True, text=True).stdout
        self.key = text.split()[0]
        self.key_file = self.write("key", self.key)
        return ["--token-issuers-file", str(self.directory / "issuers.json"),
                "--api-keys-file", str(keys_file), "--address-requests-per-s", "0",
                "--token-requests-per-s", "0"]

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def create_poll(self, poll):
        """The poll as tallyload creates it, which needs the administrator's key."""
        document = {"title": {"en": "Load"}, "project": "load", "state": "open",
                    "ballot": {"type": "choose", "min": 1, "max": 1},
                    "options": [{"id": f"option-{i}", "title": {"en": f"Option {i}"}}
                                for i in range(10)]}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.admin_port}/v1/polls/{poll}", method="PUT",
            data=json.dumps(document).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json",
                     "If-None-Match": "*"})
        urllib.request.urlopen(request).close()

    def write_voter_tokens(self, count):
        """A file of HS256 tokens of so many new voters."""
        header = base64url(json.dumps({"alg": "HS256", "kid": "bench", "typ": "JWT"}).encode())
        expires = int(time.time()) + 3600
        # Not on the disk: writing a hundred megabytes behind would be company for what is measured.
        with tempfile.NamedTemporaryFile("w", dir="/dev/shm", encoding="ascii",
                                         delete=False) as out:
            for _ in range(count):
                claims = {"iss": self.issuer, "aud": "tallyd", "sub": secrets.token_hex(8),
                          "exp": expires, "scope": "vote"}
                signed = f"{header}.{base64url(json.dumps(claims).encode())}"
                mac = hmac.digest(self.secret, signed.encode(), "sha256")
                out.write(f"{signed}.{base64url(mac)}\n")
        return pathlib.Path(out.name)


class TallydKey(TallydAuth):
    name = "tallyd, API key"


class TallydHs256(TallydAuth):
    name = "tallyd, HS256"


class Redis(Server):
    name = "Redis"

    def command(self):
        install("redis-server", "redis-server")
        install("redis-tools", "redis-benchmark")
        return ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                "--appendonly", "yes", "--appendfsync", "always", "--dir", str(self.directory)]

    def start(self):
        super().start()
        script = (HERE / "vote.lua").read_text()
        self.sha = subprocess.run(["redis-cli", "-p", str(self.port), "SCRIPT", "LOAD", script],
                                  check=True, capture_output=True, text=True).stdout.strip()
        return self

    def run(self, connections, pipeline, seconds, guess=60_000):
        """Votes/s; redis-benchmark ends by count, so the count follows from a guess."""
        requests = int(guess * seconds)
        out = subprocess.run(
            ["redis-benchmark", "-p", str(self.port), "--csv", "-n", str(requests),
             "-r", "2000000000", "-c", str(connections), "-P", str(pipeline),
             "evalsha", self.sha, "2", "voters", "tally", "voter:__rand_int__", "option-4"],
            check=True, capture_output=True, text=True).stdout
        fields = [field.strip('"') for field in out.strip().splitlines()[-1].rsplit(",", 7)]
        return {"rate": float(fields[1]), "p50": float(fields[4]), "p99": float(fields[6])}


class Postgres(Server):
    name = "PostgreSQL"
    programs = pathlib.Path("/usr/lib/postgresql/15/bin")

    def as_postgres(self, *command):
        command = [str(part) for part in command]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        return command

    def command(self):
        install("postgresql-15", str(self.programs / "postgres"))
        self.directory.chmod(0o755)
        data = self.directory / "data"
        data.mkdir()
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.directory, user.pw_uid, user.pw_gid)
            os.chown(data, user.pw_uid, user.pw_gid)
        subprocess.run(self.as_postgres(self.programs / "initdb", "-D", data, "-A", "trust",
                                        "--no-instructions", "--no-sync", "-U", "postgres"),
                       check=True, stdout=subprocess.DEVNULL)
        return self.as_postgres(
            self.programs / "postgres", "-D", data, "-p", self.port,
            *(f"-c{setting}" for setting in (
                "listen_addresses=127.0.0.1", f"unix_socket_directories={self.directory}",
                "max_connections=300", "synchronous_commit=on", "fsync=on",
                "shared_buffers=512MB", "max_wal_size=8GB", "logging_collector=off")))

    def psql(self, sql):
        subprocess.run(["psql", "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres",
                        "-v", "ON_ERROR_STOP=1", "-c", sql], check=True)

    def start(self):
        super().start()
        time.sleep(0.5)
        self.psql("CREATE TABLE ballots (poll int, voter bigint, option int, "
                  "PRIMARY KEY (poll, voter))")
        self.psql("CREATE TABLE tally (option int PRIMARY KEY, votes bigint) WITH (fillfactor=10)")
        self.psql("INSERT INTO tally SELECT n, 0 FROM generate_series(0, 9) n")
        return self

    def run(self, connections, seconds):
        out = subprocess.run(
            ["pgbench", "-n", "-M", "prepared", "-f", str(HERE / "vote.sql"), "-h", "127.0.0.1",
             "-p", str(self.port), "-U", "postgres", "-c", str(connections), "-j", "1",
             "-T", str(max(1, int(seconds))), "postgres"],
            check=True, capture_output=True, text=True).stdout
        rate = next(line for line in out.splitlines() if line.startswith("tps"))
        latency = next(line for line in out.splitlines() if line.startswith("latency average"))
        return {"rate": float(rate.split()[2]), "mean": float(latency.split()[3])}
