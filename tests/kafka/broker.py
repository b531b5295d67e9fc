"""Apache Kafka for the tests: one broker on the loopback address, that a test may stop, kill and start again.

`choose` says where it comes from (a broker that already runs, Java with Maven, a Docker engine) or raises
one line that says what to install; `broker` makes it. A broker keeps its address and its data over every
stop, kill and start until `close`. `create_topic`, `produce` and `consume` are the client calls that its
tests share. It knows nothing of Streamwarden.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, assert_never

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.embedded import BrokerError, await_broker, end, free_port, log_tail
from tests.kafka.java import (
    CACHE,
    JAVA_LEAST,
    class_archive,
    java_release,
    kafka_version,
    maven_installed,
    resolve_jars,
)

START_SECONDS = 90.0  # 2 s on two idle cores, 6 s without an archive of its classes
STOP_SECONDS = 30.0  # a clean stop flushes every log and writes snapshots

NOTHING = (
    "The tests need an Apache Kafka broker: install a JDK 17 or newer and Maven "
    "(Debian, Ubuntu: `apt-get install openjdk-17-jdk-headless maven`; macOS: `brew install openjdk maven`), "
    "or start Docker, or set KAFKA_BOOTSTRAP=host:port to a broker that runs."
)

Source = Literal["external", "java", "docker"]

Record = tuple[bytes | None, bytes | None]
"""The key and the value of one record."""


class NoKafkaError(RuntimeError):
    """No way to get a broker here; the message is one line that says what to install."""


class Broker(ABC):
    """One Kafka broker; `bootstrap` (host:port) stays the same over `stop`, `kill` and `start`.

    The calls block and must run outside an event loop: `await asyncio.to_thread(broker.kill)`.
    """

    bootstrap: str

    @abstractmethod
    def start(self) -> None:
        """Start it on the data it has; return once it answers."""

    @abstractmethod
    def stop(self) -> None:
        """Stop it cleanly."""

    @abstractmethod
    def kill(self) -> None:
        """End it with SIGKILL, as a crash would."""

    @abstractmethod
    def close(self) -> None:
        """Stop it and remove what it stored."""

    def restart(self) -> None:
        """A clean stop and a start."""
        self.stop()
        self.start()


class ExternalBroker(Broker):
    """A broker that somebody else runs: it is used, never stopped."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    def start(self) -> None:
        await_broker(self.bootstrap, START_SECONDS, alive=lambda: True, log=None)

    def stop(self) -> None:
        raise BrokerError(f"The broker at {self.bootstrap} is not the tests' to stop.")

    def kill(self) -> None:
        self.stop()

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class Member:
    """A broker's place among those of its cluster: its number from 1, and the ports of all, in their order."""

    number: int
    ports: tuple[int, ...]
    controller_ports: tuple[int, ...]
    cluster: str

    @property
    def port(self) -> int:
        return self.ports[self.number - 1]


def members(count: int) -> list[Member]:
    """The places of a new cluster of `count` brokers, on free ports."""
    ports = tuple(free_port() for _ in range(count))
    controllers = tuple(free_port() for _ in range(count))
    cluster = uuid.uuid4().hex[:22]
    return [Member(number, ports, controllers, cluster) for number in range(1, count + 1)]


class JavaBroker(Broker):
    """A child process of these tests: KRaft, broker and controller in one, its data and log in `folder`.

    Without `member` it is a cluster of its own. `properties` go over those of `server_properties`, `formatting` to the
    tool that formats its storage, `java` to the virtual machine. One that is measured is `lasting`: it compiles what
    is used often as well as it can, which costs a short-lived one more than it gains.
    """

    def __init__(
        self,
        folder: Path,
        jars: Path,
        member: Member | None = None,
        *,
        properties: Mapping[str, str] | None = None,
        formatting: Sequence[str] = (),
        java: Sequence[str] = (),
        lasting: bool = False,
    ) -> None:
        self._properties, self._formatting, self._options = dict(properties or {}), list(formatting), list(java)
        self._member = member or members(1)[0]
        self.bootstrap = f"127.0.0.1:{self._member.port}"
        self._folder = folder
        self._classpath = f"{jars}/*"
        self._classes = class_archive(jars)
        self._lasting = lasting
        self._log = folder / "broker.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.begin()
        self.await_answer()

    def begin(self) -> None:
        """Start the process only: the first brokers of a cluster answer when enough of them run."""
        if self._process is not None:
            raise BrokerError(f"The broker at {self.bootstrap} already runs.")
        if not self._settings.exists():
            self._format()
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(
                self._java("kafka.Kafka", str(self._settings)),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for pytest, which then stops the broker
            )

    def await_answer(self) -> None:
        """Return once it answers; it is ended when it does not."""
        try:
            await_broker(self.bootstrap, START_SECONDS, alive=self._alive, log=self._log)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        if self._process is not None:
            end(self._process, STOP_SECONDS)
            self._process = None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        self.kill()  # nobody reads the data again; the log stays for whoever looks into a failure
        shutil.rmtree(self._folder / "data", ignore_errors=True)

    @property
    def _settings(self) -> Path:
        return self._folder / "server.properties"

    def _alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _format(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        lines = (server_properties(self._member, self._folder / "data") | self._properties).items()
        draft = self._folder / "format.properties"
        draft.write_text("".join(f"{name}={value}\n" for name, value in lines))
        run = ["kafka.tools.StorageTool", "format", "--cluster-id", self._member.cluster, "-c", str(draft)]
        run += self._formatting
        with self._log.open("ab") as out:
            done = subprocess.run(self._java(*run), stdout=out, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            raise BrokerError(f"Kafka's storage could not be formatted. {log_tail(self._log)}")
        draft.rename(self._settings)

    def _java(self, *arguments: str) -> list[str]:
        # Serial GC: the other collectors' threads only compete with the tests for two cores.
        options = ["-Xmx512m", "-XX:+UseSerialGC", "-Djava.awt.headless=true"]
        options += ["-Dorg.apache.logging.log4j.level=WARN"]
        # A killed broker leaves the libraries that it unpacked.
        options += [f"-Djava.io.tmpdir={self._folder}"]
        if not self._lasting:
            options += ["-XX:TieredStopAtLevel=1"]
        if self._classes.exists():
            options += [f"-XX:SharedArchiveFile={self._classes}"]
        return ["java", *options, *self._options, "-cp", self._classpath, *arguments]


class DockerBroker(Broker):
    """A container of the image that docker-compose.yml uses, published on a free loopback port."""

    def __init__(self) -> None:
        self._port = free_port()
        self.bootstrap = f"127.0.0.1:{self._port}"
        self._name = f"streamwarden-test-{uuid.uuid4().hex[:12]}"
        self._made = False

    def start(self) -> None:
        _docker(*(["start", self._name] if self._made else docker_run(self._name, self._port)))
        self._made = True
        try:
            await_broker(self.bootstrap, START_SECONDS, alive=self._alive, log=None)
        except BrokerError as error:
            tail = _docker("logs", "--tail", "30", self._name)
            self.close()
            raise BrokerError(f"{error} The end of its log:\n{tail}") from None

    def stop(self) -> None:
        _docker("stop", "--time", f"{STOP_SECONDS:.0f}", self._name)

    def kill(self) -> None:
        _docker("kill", self._name)

    def close(self) -> None:
        if self._made:
            _docker("rm", "--force", "--volumes", self._name)
            self._made = False

    def _alive(self) -> bool:
        return _docker("inspect", "--format", "{{.State.Running}}", self._name) == "true"


def choose(
    bootstrap: str | None,
    *,
    java: Callable[[], int | None],
    maven: Callable[[], bool],
    docker: Callable[[], bool],
) -> Source:
    """Where the broker comes from; the probes are asked in this order, and only as far as needed.

    `java` answers with the Java release on the path. Raises `NoKafkaError` when nothing is left.
    """
    if bootstrap:
        return "external"
    if (java() or 0) >= JAVA_LEAST and maven():
        return "java"
    if docker():
        return "docker"
    raise NoKafkaError(NOTHING)


def broker(
    folder: Path, environment: Mapping[str, str] = os.environ, *, own: bool = False, lasting: bool = False
) -> Broker:
    """A broker, not yet started; `folder` is for its data and its log.

    With `own` it is one that may be stopped and killed, so KAFKA_BOOTSTRAP does not count;
    `lasting` as of `JavaBroker`.
    """
    bootstrap = "" if own else environment.get("KAFKA_BOOTSTRAP", "")
    source = choose(bootstrap, java=java_release, maven=maven_installed, docker=docker_runs)
    match source:
        case "external":
            return ExternalBroker(bootstrap)
        case "java":
            return JavaBroker(folder, resolve_jars(), lasting=lasting)
        case "docker":
            return DockerBroker()
        case _:
            assert_never(source)


def archive_classes(jars: Path) -> None:
    """Write the class archive of these jars, unless it is there: a broker starts, and stops."""
    archive = class_archive(jars)
    if archive.exists():
        return
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        draft = Path(scratch, archive.name)
        broker = JavaBroker(Path(scratch, "broker"), jars, java=[f"-XX:ArchiveClassesAtExit={draft}"])
        broker.start()
        broker.stop()
        if draft.exists():
            draft.rename(archive)


def cluster(folder: Path, count: int) -> list[JavaBroker]:
    """The brokers of a cluster, not yet started: `begin` each, then `await_answer`. Raises `NoKafkaError`."""
    if (java_release() or 0) < JAVA_LEAST or not maven_installed():
        raise NoKafkaError(f"A cluster of {count} brokers needs a JDK {JAVA_LEAST} or newer and Maven.")
    jars = resolve_jars()
    return [JavaBroker(folder / f"broker-{member.number}", jars, member) for member in members(count)]


def docker_runs() -> bool:
    """Whether a Docker engine answers; a client alone does not count."""
    if shutil.which("docker") is None:
        return False
    command = ["docker", "info", "--format", "{{.ServerVersion}}"]
    try:
        return subprocess.run(command, capture_output=True, timeout=20, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def server_properties(member: Member, data: Path) -> dict[str, str]:
    """Kafka's settings for a broker that serves tests: quick to start, to rebalance and to compact.

    Three brokers or more keep three copies of Kafka's own topics, and write them to two.
    """
    voters = enumerate(member.controller_ports, 1)
    copies = min(len(member.ports), 3)
    return {
        "process.roles": "broker,controller",
        "node.id": str(member.number),
        "controller.quorum.voters": ",".join(f"{number}@127.0.0.1:{port}" for number, port in voters),
        "listeners": f"PLAINTEXT://127.0.0.1:{member.port},"
        f"CONTROLLER://127.0.0.1:{member.controller_ports[member.number - 1]}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{member.port}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": str(data),
        "offsets.topic.replication.factor": str(copies),
        "transaction.state.log.replication.factor": str(copies),
        "transaction.state.log.min.isr": str(max(1, copies - 1)),
        **SUITED_TO_TESTS,
    }


SUITED_TO_TESTS = {
    "auto.create.topics.enable": "false",  # a misspelt topic must fail
    "offsets.topic.num.partitions": "4",  # 50 by default, all made when the first group joins
    "transaction.state.log.num.partitions": "4",
    "group.initial.rebalance.delay.ms": "0",
    # After a SIGKILL the controller refuses the broker until its old session ends: 9 s by default.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "group.min.session.timeout.ms": "1000",
    "log.cleaner.backoff.ms": "1000",
    "log.cleaner.dedupe.buffer.size": "16777216",  # 128 MB by default, a quarter of the heap
    "log.index.size.max.bytes": "1048576",  # 10 MB are mapped for each index of each partition by default
    "num.network.threads": "2",
    "num.io.threads": "4",
}


def docker_run(name: str, port: int) -> list[str]:
    """The arguments of `docker` that start the container."""
    settings = {
        **server_properties(Member(1, (9092,), (9093,), ""), Path("/var/lib/kafka/data")),
        "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
    }
    # The image turns KAFKA_PROCESS_ROLES into process.roles, and formats the storage itself.
    variables = [f"--env=KAFKA_{setting.upper().replace('.', '_')}={value}" for setting, value in settings.items()]
    publish = f"--publish=127.0.0.1:{port}:9092"
    heap = "--env=KAFKA_HEAP_OPTS=-Xmx512m"
    return ["run", "--detach", "--name", name, publish, heap, *variables, f"apache/kafka:{kafka_version()}"]


async def create_topic(
    bootstrap: str, topic: str, *, partitions: int = 1, settings: Mapping[str, str] | None = None
) -> None:
    """Create one topic with one replica; raises when the broker refuses it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        wanted = NewTopic(topic, partitions, 1, topic_configs=dict(settings or {}))
        answer = await admin.create_topics([wanted])
    finally:
        await admin.close()
    refused = [error for error in answer.topic_errors if error[1]]
    assert not refused, refused


async def produce(bootstrap: str, topic: str, records: Sequence[Record]) -> None:
    """Produce records in order; return once every one is acknowledged by all replicas."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5)
    await producer.start()
    try:
        sent = [await producer.send(topic, key=key, value=value) for key, value in records]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def consume(
    bootstrap: str, topic: str, group: str, count: int, *, seconds: float = 30.0
) -> list[ConsumerRecord[bytes | None, bytes | None]]:
    """Consume in a group from the earliest offset until `count` records are there, and commit; raises
    `TimeoutError` when they do not come within `seconds`."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=6_000,
        heartbeat_interval_ms=500,
    )
    await consumer.start()
    try:
        got: list[ConsumerRecord[bytes | None, bytes | None]] = []
        async with asyncio.timeout(seconds):
            while len(got) < count:
                fetched = await consumer.getmany(timeout_ms=200)
                got += [record for records in fetched.values() for record in records]
        await consumer.commit()
        return got
    finally:
        await consumer.stop()


def _docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BrokerError(f"`docker {arguments[0]}` failed: {(done.stderr or done.stdout).strip()}")
    return (done.stdout + done.stderr).strip()
