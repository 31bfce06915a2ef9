"""All of the bank: importing its parts fills it."""

from tests.gradcheck_bank import arrangements, composed, dense, images, losses, reductions
from tests.gradcheck_bank.bank import LARGE, MISTAKES, OPERATIONS, SMALL

__all__ = [
    "LARGE",
    "MISTAKES",
    "OPERATIONS",
    "SMALL",
    "arrangements",
    "composed",
    "dense",
    "images",
    "losses",
    "reductions",
]
