"""A Kerberos key distribution center for tests: MIT's, of Debian's package krb5-kdc, on a loopback port."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from streams.embedded import end, free_port

REALM = "WARDEN.TEST"
HOST = "localhost"
"""In the broker's principal, kafka/localhost: nobody asks a name server for it."""
PROGRAMS = ("krb5kdc", "kdb5_util", "kadmin.local", "kinit")
MISSING = "GSSAPI needs a key distribution center: apt-get install krb5-kdc krb5-admin-server krb5-user"
_START_S = 20.0


def installed() -> bool:
    """Whether the programs are there; Debian has some of them where only root's path leads."""
    return all(_program(name) for name in PROGRAMS)


class Kerberos:
    """A realm with the principal of a broker and that of a client, each with its keytab in `folder`."""

    def __init__(self, folder: Path, user: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._user, self._port = folder, user, free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.config = folder / "krb5.conf"
        self.environment = {
            "KRB5_CONFIG": str(self.config),
            "KRB5_KDC_PROFILE": str(folder / "kdc.conf"),
            "KRB5CCNAME": f"FILE:{folder / 'tickets'}",
        }

    def start(self) -> None:
        """Makes the realm and starts the center; returns once it listens. The client has a ticket then."""
        self._write()
        self._run("kdb5_util", "create", "-s", "-P", "master-of-a-test", "-r", REALM)
        for principal, keytab in ((f"kafka/{HOST}", "broker"), (self._user, "client")):
            self._run("kadmin.local", "-q", f"addprinc -randkey {principal}")
            self._run("kadmin.local", "-q", f"ktadd -k {self._folder / keytab}.keytab {principal}")
        with (self._folder / "kdc.log").open("ab") as out:
            self._process = subprocess.Popen(
                [_program("krb5kdc"), "-n", "-r", REALM],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_S
        while not self._listens():
            assert time.monotonic() < deadline, (self._folder / "kdc.log").read_text()
            time.sleep(0.05)
        self._run("kinit", "-k", "-t", str(self._folder / "client.keytab"), self._user)

    def close(self) -> None:
        """Ends it."""
        if self._process is not None:
            end(self._process, 5.0)
            self._process = None

    def properties(self, listener: str) -> dict[str, str]:
        """What a broker needs to offer GSSAPI on a listener."""
        keytab = self._folder / "broker.keytab"
        login = "com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true"
        return {
            f"{listener}.gssapi.sasl.jaas.config": f'{login} keyTab="{keytab}" principal="kafka/{HOST}@{REALM}";',
            "sasl.kerberos.service.name": "kafka",
        }

    def _write(self) -> None:
        library = Path(_program("krb5kdc")).resolve().parents[1] / "lib"
        modules = next(library.glob("*/krb5/plugins/kdb"), library)
        self.config.write_text(
            f"[libdefaults]\ndefault_realm = {REALM}\ndns_lookup_kdc = false\ndns_canonicalize_hostname = false\n"
            f"rdns = false\nudp_preference_limit = 1\n"
            f"[realms]\n{REALM} = {{\n kdc = 127.0.0.1:{self._port}\n}}\n[dbmodules]\ndb_module_dir = {modules}\n"
        )
        (self._folder / "kdc.conf").write_text(
            f"[kdcdefaults]\nkdc_listen = 127.0.0.1:{self._port}\nkdc_tcp_listen = 127.0.0.1:{self._port}\n"
            f"[realms]\n{REALM} = {{\n database_name = {self._folder}/principal\n"
            f" key_stash_file = {self._folder}/stash\n acl_file = {self._folder}/acl\n}}\n"
        )

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self.environment}

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [_program(program), *arguments], env=self._environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

    def _listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1.0)
            return probe.connect_ex(("127.0.0.1", self._port)) == 0


def _program(name: str) -> str:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin") or ""
