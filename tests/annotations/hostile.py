"""Texts that one database takes and another does not, or that show otherwise than they are stored."""

TEXTS = {
    "NUL": "a\0b",
    "half a character": "a \ud83d b",
    "5,000 characters": "abcde fghi" * 500,
    "900 words": " ".join(f"word{number}" for number in range(900)),
    "10,000 signs of four bytes": "\U0001f600" * 10_000,
    "right to left": "said \u202eright to left\u202c, \u05e9\u05dc\u05d5\u05dd",
    "joined emoji": "a \U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f44d\U0001f3fd day",
    "soft hyphens": "a Donau\u00addampf\u00adschiff",
    "combining marks": "e\u0301\u0323 and a\u0308\u0301\u0302\u0303",
    "blanks": " \t\u00a0\u2003\n",
    "nothing to see": "\u200b\u200d\u2060",
}
UNSTORABLE = ("NUL", "half a character")
BLANK = ("blanks", "nothing to see")
STORABLE = {name: text for name, text in TEXTS.items() if name not in (*UNSTORABLE, *BLANK)}
