"""Packs: the policy as data. `load_pack(folder)` reads, validates and compiles one, or says where it is wrong."""

from pathlib import Path

from rules.packs.load import load_pack
from rules.packs.model import Pack
from rules.packs.source import InvalidPackError, PackError

SHIPPED = Path(__file__).parent / "wechat"
"""The pack this project ships: WeChat's rules of 2016 and 2014."""

__all__ = ["SHIPPED", "InvalidPackError", "Pack", "PackError", "load_pack"]
