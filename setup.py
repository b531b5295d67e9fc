"""Compiles the scans of `rules/scans`. Where there is no compiler they run as plain Python, much slower."""

from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

SCANS = sorted(file.stem for file in Path("rules/scans").glob("*.pxd"))

setup(
    ext_modules=cythonize(
        [Extension(f"rules.scans.{name}", [f"rules/scans/{name}.py"], optional=True) for name in SCANS],
        build_dir="build",
        # Annotations are for mypy, types for C in the .pxd files. Bounds are checked: texts come from anybody.
        compiler_directives={
            "annotation_typing": False,
            "boundscheck": True,
            "wraparound": False,
            "initializedcheck": False,
            "language_level": 3,
        },
    )
)
