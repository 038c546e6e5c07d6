"""Calls with a short stack."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def shallow(function: Callable[..., T], *arguments: object) -> T:
    """Call in a thread of its own: kfp looks for the module of every frame on the stack, for every setting of a task,
    which takes half a minute below pytest."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *arguments).result()
