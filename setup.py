"""Compiles the scans of `rules/scans`. Where that is not possible they run as plain Python, much slower."""

from Cython.Build import cythonize
from setuptools import Extension, setup

SCANS = ("ngrams", "plain", "signs")

setup(
    ext_modules=cythonize(
        [
            Extension(f"rules.scans.{name}", [f"rules/scans/{name}.py"], optional=True, extra_compile_args=["-O3"])
            for name in SCANS
        ],
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
