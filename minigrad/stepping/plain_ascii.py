"""Formulas for terminals that know ASCII alone: x² as x^2, Σ as sum, θ as theta."""

import re
import unicodedata
from itertools import groupby

WORDS = {
    "Σ": "sum",
    "Π": "prod",
    "√": "sqrt",
    "∛": "cbrt",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "·": "*",
    "×": "x",
    "⋆": "(*)",
    "∘": "o",
    "⊙": "*",
    "…": "...",
    "−": "-",
    "⌊": "floor(",
    "⌋": ")",
    "→": "->",
    "∞": "inf",
    "∂": "d",
    "\u0302": "_hat",
    "\u0304": "_bar",
    "\u0305": "_bar",
    "ᐟ": "/",
}
_A_WORD_BEFORE_A_LETTER = re.compile(r"([ΣΠ√∛α-ωΑ-Ω])(?=[^\W\d_])")


def plain_ascii(text: str) -> str:
    """The same text without any character beyond ASCII."""
    if text.isascii():
        return text
    runs = [(kind, "".join(letters)) for kind, letters in groupby(text, _kind)]
    level = "".join(_raised(kind, run) if kind else run for kind, run in runs)
    return "".join(map(_spelled, _A_WORD_BEFORE_A_LETTER.sub(r"\1 ", level)))


def _kind(character: str) -> str:
    """'^' for a raised letter, '_' for a lowered one, '' for the others."""
    if character == "ᐟ":  # what Unicode has for a raised slash
        return "^"
    decomposition = unicodedata.decomposition(character)
    return {"<super>": "^", "<sub>": "_"}.get(decomposition.split(" ")[0], "")


def _raised(sign: str, run: str) -> str:
    """A run of raised or lowered letters: ^2, ^(-x), _k."""
    letters = "".join(map(_spelled, run))
    return f"{sign}({letters})" if len(letters) > 1 else sign + letters


def _spelled(character: str) -> str:
    if character.isascii():
        return character
    if character in WORDS:
        return WORDS[character]
    plain = unicodedata.normalize("NFKD", character).replace("−", "-")
    if plain.isascii():
        return plain
    name = unicodedata.name(plain[0], "")
    return name.split()[-1].lower() if name.startswith("GREEK") else "?"
