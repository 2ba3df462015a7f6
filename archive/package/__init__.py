"""The file of one trade: a BagIt bag that proves itself: built from items, checked for four properties, verified.

What building and filing need (database, store, typst) stands in `builder` and `service`, so that verifying stays light.
"""

from archive.package.holding import Holding
from archive.package.item import Item, Stored, Trade
from archive.package.verification import verify

__all__ = ["Holding", "Item", "Stored", "Trade", "verify"]
