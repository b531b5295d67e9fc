"""Compiles the scans of `rules/scans`. Where there is no compiler they run as plain Python, much slower."""

import runpy
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

SCANS = sorted(file.stem for file in Path("rules/scans").glob("*.pxd"))
CONSTANTS = {name: value for name, value in runpy.run_path("rules/scans/constants.py").items() if name.isupper()}

setup(
    ext_modules=cythonize(
        [Extension(f"rules.scans.{name}", [f"rules/scans/{name}.py"], optional=True) for name in SCANS],
        build_dir="build",
        compile_time_env=CONSTANTS,
        force=True,  # it does not see that the constants changed
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
