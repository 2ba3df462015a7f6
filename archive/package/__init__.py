"""The file of one trade: a BagIt bag that proves itself: built from items, checked for four properties, verified."""

from archive.package.builder import Bag, build
from archive.package.item import Item, Stored, Trade
from archive.package.verification import verify

__all__ = ["Bag", "Item", "Stored", "Trade", "build", "verify"]
