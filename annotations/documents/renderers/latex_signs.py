"""Plain text as LaTeX, and how wide it is set in Computer Modern."""

import re

ESCAPED = {
    "\\": r"\textbackslash{}",
    "\N{NO-BREAK SPACE}": r"\nobreakspace{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "−": "$-$",
    "–": "--",
    "—": "---",
    "±": r"$\pm$",
    "×": r"$\times$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≈": r"$\approx$",
    "≠": r"$\neq$",
    "√": r"$\surd$",
    "→": r"$\rightarrow$",
    "½": r"$\frac{1}{2}$",
    "′": r"$^{\prime}$",
    "²": r"\textsuperscript{2}",
    "³": r"\textsuperscript{3}",
    "·": r"\textperiodcentered{}",
    "…": r"\ldots{}",
    "‘": r"\textquoteleft{}",
    "’": r"\textquoteright{}",
    "“": r"\textquotedblleft{}",
    "”": r"\textquotedblright{}",
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "γ": r"$\gamma$",
    "δ": r"$\delta$",
    "ε": r"$\epsilon$",
    "θ": r"$\theta$",
    "κ": r"$\kappa$",
    "λ": r"$\lambda$",
    "μ": r"$\mu$",
    "ν": r"$\nu$",
    "π": r"$\pi$",
    "ρ": r"$\rho$",
    "σ": r"$\sigma$",
    "τ": r"$\tau$",
    "φ": r"$\phi$",
    "χ": r"$\chi$",
    "ψ": r"$\psi$",
    "ω": r"$\omega$",
    # These mean something after a line break of a table, or in a ligature.
    **{sign: f"{{{sign}}}" for sign in "[]*`"},
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}
SIGNS = {code: sign for sign, code in ESCAPED.items()}
CODE = re.compile("|".join(re.escape(code) for code in sorted(SIGNS, key=len, reverse=True)))
COMMAND = re.compile(r"\\[a-zA-Z]+ ?|[{}$]")
# Of the font cmr10, in thousandths of its size; other signs are taken to be as wide as a digit.
ADVANCES = {
    278: "!',.:;[]il|",
    306: "fj",
    333: " \N{NO-BREAK SPACE}-",
    361: "I",
    389: "()t",
    394: "rs",
    444: "cez",
    472: "?",
    528: "kqvxy",
    556: "Sbdhnpu",
    625: "LZ",
    681: "EFP",
    708: "B",
    736: "CRTw",
    764: "ADHNUVXY",
    785: "&+=@GKOQ<>~−±",
    833: "#%m",
    917: "M",
    1028: "W",
}
WIDTHS = {sign: width / 1000 for width, signs in ADVANCES.items() for sign in signs}
DIGIT, BOLD = 0.5, 1.15


def escape(text: str) -> str:
    """Every special sign as itself, and nothing that breaks a line or ends a comment."""
    shown = "".join(sign if sign in ESCAPED or sign.isprintable() else " " for sign in text)
    escaped = "".join(ESCAPED.get(sign, sign) for sign in shown.replace("--", "-\x00-").replace("--", "-\x00-"))
    return escaped.replace("\x00", "{}")


def width_of(code: str) -> float:
    """Of a line of LaTeX, in sizes of its font."""
    words = COMMAND.sub("", CODE.sub(lambda found: SIGNS[found.group()], code.replace(r"\allowbreak{}", "")))
    return sum(WIDTHS.get(sign, DIGIT) for sign in words) * (BOLD if "bf{" in code else 1)
