"""A bank of planted mistakes: operations as students write them, and what goes wrong in them.

python -m tests.gradcheck_bank       holds gradcheck and seven public checkers to it, writes TABLE.md
"""
