"""The dashboards by the names of their files."""

import json

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.generate.console import console
from grafana.generate.consumers import consumers
from grafana.generate.overview import overview
from grafana.generate.policy import policy
from grafana.generate.worker import worker

BOARDS = {"overview": overview, "policy": policy, "worker": worker, "consumers": consumers, "console": console}


def rendered() -> dict[str, str]:
    """File name -> what is to be in the file. The same every time."""
    return {
        f"{name}.json": json.dumps(make(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"
        for name, make in BOARDS.items()
    }
