"""dubash: a small model, a language pair and your data in; a translator you can trust out."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("dubash")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+unknown"
