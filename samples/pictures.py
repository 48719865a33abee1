"""Simple drawn pictures, as SVG: a backdrop with a few motifs before it. 640 × 420, no outside parts."""

from collections.abc import Sequence

WIDTH, HEIGHT = 640, 420
PAINT = {
    "red": "#d64541", "blue": "#3b7dd8", "green": "#3f9d4f", "yellow": "#f2c53d",
    "purple": "#8e5bb5", "white": "#f6f3ea", "pink": "#ec8fb0", "brown": "#8d6748",
}  # fmt: skip
BACKDROPS = {
    "beach": ("#bfe3f5", [("#4aa3c9", "M0 210H640V300H0Z"), ("#f0dba8", "M0 280Q320 250 640 290V420H0Z")]),
    "room": ("#f3e4cf", [("#c79a6b", "M0 320H640V420H0Z"), ("#fff7e8", "M60 60H200V190H60Z")]),
    "mountain": ("#cfe6f2", [("#8fa3b5", "M0 300L170 90L300 260L430 130L640 310V420H0Z"), ("#7fae6d", "M0 310Q300 270 640 320V420H0Z")]),
    "snow": ("#dbe6f0", [("#b9c9d8", "M0 260L200 150L420 270L640 190V420H0Z"), ("#fbfdff", "M0 290Q320 250 640 300V420H0Z")]),
    "street": ("#2d3557", [("#4b4f72", "M0 140H110V330H0ZM130 90H260V330H130ZM300 150H430V330H300ZM460 110H640V330H460Z"), ("#77748a", "M0 320H640V420H0Z")]),
    "park": ("#cdeaf7", [("#8cc084", "M0 250Q160 200 320 250T640 240V420H0Z"), ("#d8c9a0", "M250 420Q310 320 290 250H330Q360 330 400 420Z")]),
    "garden": ("#d6eefb", [("#9ccf86", "M0 240H640V420H0Z"), ("#b98d5f", "M0 210H640V250H0Z")]),
    "road": ("#d9e9f3", [("#a9c48a", "M0 250Q200 200 400 240T640 230V420H0Z"), ("#6b6f76", "M240 420L305 240H335L420 420Z")]),
}  # fmt: skip
SKIN, DARK = "#e2b08a", "#33302e"

# Drawn around (0, 0), about 160 high; C stands for the colour of the picture.
MOTIFS = {
    "person": '<circle cy="-60" r="20" fill="SKIN"/><path d="M-26 40Q-24 -38 0 -38T26 40Z" fill="C"/><path d="M-12 40V84M12 40V84" stroke="DARK" stroke-width="12"/>',
    "kite": '<path d="M0 -80L42 -20L0 60L-42 -20Z" fill="C"/><path d="M0 60Q30 110 -10 150" fill="none" stroke="DARK" stroke-width="3"/>',
    "castle": '<path d="M-90 80V0H-60V-50L-40 -80L-20 -50V0H20V-50L40 -80L60 -50V0H90V80Z" fill="#d9b36c"/><path d="M-14 80V46H14V80Z" fill="#8a6a35"/><path d="M40 -80V-108L66 -98L40 -90" fill="C"/>',
    "boat": '<path d="M-90 30H90L60 76H-60Z" fill="C"/><path d="M0 26V-90L66 10H0Z" fill="#fff"/><path d="M0 30V-94" stroke="DARK" stroke-width="5"/>',
    "umbrella": '<path d="M-90 -10Q0 -120 90 -10Z" fill="C"/><path d="M0 -60V90" stroke="DARK" stroke-width="6"/>',
    "dog": '<ellipse rx="62" ry="30" cy="20" fill="C"/><circle cx="64" cy="-14" r="24" fill="C"/><path d="M52 -30L40 -6M-60 10L-88 -24" stroke="C" stroke-width="12" fill="C"/><path d="M-40 40V78M-16 40V78M18 40V78M42 40V78" stroke="C" stroke-width="13"/><circle cx="72" cy="-18" r="4" fill="DARK"/>',
    "sunset": '<circle r="62" cy="-40" fill="#f79443"/><circle r="84" cy="-40" fill="#f79443" opacity=".3"/>',
    "cake": '<path d="M-80 0H80V70H-80Z" fill="C"/><path d="M-80 0Q-60 26 -40 0T0 0T40 0T80 0V-10H-80Z" fill="#fff"/><path d="M-40 -10V-44M0 -10V-44M40 -10V-44" stroke="DARK" stroke-width="6"/><path d="M-40 -60V-48M0 -60V-48M40 -60V-48" stroke="#f2a33d" stroke-width="8"/>',
    "balloon": '<ellipse rx="36" ry="46" cy="-50" fill="C"/><ellipse rx="30" ry="38" cx="62" cy="-20" fill="C" opacity=".75"/><path d="M0 -4Q14 40 0 90M62 18Q50 60 60 90" fill="none" stroke="DARK" stroke-width="3"/>',
    "gift": '<path d="M-60 -20H60V76H-60Z" fill="C"/><path d="M-10 -20H10V76H-10ZM-60 18H60V34H-60Z" fill="#fff"/><path d="M0 -20Q-50 -70 -46 -24ZM0 -20Q50 -70 46 -24Z" fill="#fff"/>',
    "hat": '<path d="M0 -110L44 10H-44Z" fill="C"/><circle cy="-112" r="12" fill="#fff"/>',
    "table": '<path d="M-120 -10H120V14H-120Z" fill="#a97b4f"/><path d="M-96 14V90M96 14V90" stroke="#a97b4f" stroke-width="14"/><circle cx="-60" cy="-22" r="18" fill="C"/><circle cx="0" cy="-22" r="18" fill="#fff"/><circle cx="60" cy="-22" r="18" fill="C"/>',
    "sign": '<path d="M0 -60V90" stroke="#7a5a3a" stroke-width="12"/><path d="M-70 -70H56L80 -48L56 -26H-70ZM70 -10H-50L-72 8L-50 26H70Z" fill="C"/>',
    "tree": '<path d="M0 0V90" stroke="#7a5a3a" stroke-width="20"/><circle cy="-40" r="64" fill="#4f8f4a"/><circle cx="-26" cy="-30" r="8" fill="C"/><circle cx="22" cy="-60" r="8" fill="C"/><circle cx="30" cy="-14" r="8" fill="C"/>',
    "bridge": '<path d="M-150 60Q0 -40 150 60L150 80Q0 -16 -150 80Z" fill="#9a724a"/><path d="M-150 30Q0 -70 150 30" fill="none" stroke="C" stroke-width="8"/>',
    "waterfall": '<path d="M-90 90V-100H90V90Z" fill="#77808a"/><path d="M-40 -100Q0 -80 40 -100L50 90H-50Z" fill="#cfeaf7"/>',
    "tent": '<path d="M-110 70L0 -80L110 70Z" fill="C"/><path d="M-26 70L0 -10L26 70Z" fill="DARK"/>',
    "flag": '<path d="M0 90V-100" stroke="DARK" stroke-width="7"/><path d="M0 -100H90L66 -70L90 -40H0Z" fill="C"/>',
    "snowman": '<circle cy="50" r="46" fill="#fff"/><circle cy="-20" r="34" fill="#fff"/><circle cy="-76" r="24" fill="#fff"/><path d="M-30 -52H30V-40H10V-10H-4V-40H-30Z" fill="C"/><path d="M0 -76L26 -70L0 -68Z" fill="#e6863b"/><circle cx="-9" cy="-84" r="4" fill="DARK"/><circle cx="9" cy="-84" r="4" fill="DARK"/>',
    "sled": '<path d="M-90 40H80M-100 76H80Q110 76 104 44M-60 40V76M40 40V76" fill="none" stroke="C" stroke-width="11"/>',
    "house": '<path d="M-90 -10H90V90H-90Z" fill="C"/><path d="M-110 -10L0 -90L110 -10Z" fill="#7d4a3a"/><path d="M-16 90V36H16V90Z" fill="DARK"/><path d="M-66 16H-36V44H-66ZM36 16H66V44H36Z" fill="#ffe9a8"/>',
    "bird": '<ellipse rx="44" ry="30" fill="C"/><circle cx="38" cy="-26" r="20" fill="C"/><path d="M56 -28L78 -22L56 -16Z" fill="#e6a23b"/><circle cx="44" cy="-30" r="4" fill="DARK"/><path d="M-40 0L-84 -10L-42 18Z" fill="C"/><path d="M-120 40H120" stroke="#7a5a3a" stroke-width="9"/>',
    "lake": '<ellipse rx="170" ry="40" cy="60" fill="#8fc4de"/><path d="M-80 56H-20M20 70H90" stroke="#fff" stroke-width="4"/>',
    "cup": '<path d="M-46 -40H46L36 70H-36Z" fill="C"/><path d="M46 -20Q90 -10 42 40" fill="none" stroke="C" stroke-width="12"/><ellipse rx="46" ry="12" cy="-40" fill="#5b3a29"/>',
    "drum": '<path d="M-60 -20H60V70H-60Z" fill="C"/><ellipse rx="60" ry="18" cy="-20" fill="#fff"/><path d="M-60 -10L-30 66L0 -6L30 66L60 -10" fill="none" stroke="#fff" stroke-width="5"/>',
    "guitar": '<circle cy="50" r="42" fill="C"/><circle cy="-4" r="30" fill="C"/><circle cy="40" r="14" fill="DARK"/><path d="M0 -20V-120" stroke="#7a5a3a" stroke-width="13"/>',
    "stall": '<path d="M-110 -50H110L90 -90H-90Z" fill="C"/><path d="M-100 -50V90M100 -50V90" stroke="#7a5a3a" stroke-width="10"/><path d="M-110 30H110V56H-110Z" fill="#a97b4f"/><circle cx="-50" cy="16" r="16" fill="#d64541"/><circle cx="0" cy="16" r="16" fill="#f2c53d"/><circle cx="50" cy="16" r="16" fill="#3f9d4f"/>',
    "bike": '<circle cx="-60" cy="40" r="42" fill="none" stroke="DARK" stroke-width="7"/><circle cx="60" cy="40" r="42" fill="none" stroke="DARK" stroke-width="7"/><path d="M-60 40L-20 -30H36L60 40M-20 -30L10 40L36 -30M-60 40H10M36 -30L30 -56H52M-20 -30L-26 -50M-44 -50H-8" fill="none" stroke="C" stroke-width="8"/>',
    "fireworks": '<path d="M0 -110V-60M0 60V10M-85 -25H-35M85 -25H35M-60 -85L-25 -50M60 35L25 0M60 -85L25 -50M-60 35L-25 0" stroke="C" stroke-width="9" stroke-linecap="round"/><circle cy="-25" r="12" fill="#fff3c4"/>',
    "elephant": '<ellipse rx="80" ry="52" fill="#8d949c"/><circle cx="78" cy="-20" r="38" fill="#8d949c"/><path d="M108 -10Q130 60 104 84" fill="none" stroke="#8d949c" stroke-width="16"/><path d="M-50 40V90M-14 44V90M24 44V90M56 36V90" stroke="#8d949c" stroke-width="22"/><ellipse cx="58" cy="-22" rx="20" ry="28" fill="#767d85"/><circle cx="92" cy="-28" r="4" fill="DARK"/>',
    "giraffe": '<path d="M-50 20H30V90M-50 20V90M20 20L50 -110H74L46 40Z" fill="#e0b04e" stroke="#e0b04e" stroke-width="14"/><path d="M50 -120H96V-100H50Z" fill="#e0b04e"/><circle cx="-20" cy="34" r="9" fill="#9a6b2f"/><circle cx="50" cy="-50" r="8" fill="#9a6b2f"/><circle cx="40" cy="0" r="8" fill="#9a6b2f"/>',
    "fish": '<path d="M-150 -100H150V100H-150Z" fill="#7cc3dd" opacity=".8"/><ellipse rx="60" ry="32" fill="C"/><path d="M-52 0L-96 -32V32Z" fill="C"/><circle cx="32" cy="-8" r="6" fill="DARK"/><circle cx="90" cy="-50" r="8" fill="#fff"/><circle cx="104" cy="-74" r="5" fill="#fff"/>',
    "ice": '<path d="M-34 -10H34L0 90Z" fill="#d9a45b"/><circle cy="-30" r="40" fill="C"/><circle cx="-20" cy="-66" r="24" fill="#fff"/>',
    "train": '<path d="M-120 -10H-20V50H-120ZM0 -10H90V50H0ZM50 -60H90V-10H50Z" fill="C"/><circle cx="-96" cy="62" r="18" fill="DARK"/><circle cx="-44" cy="62" r="18" fill="DARK"/><circle cx="22" cy="62" r="18" fill="DARK"/><circle cx="70" cy="62" r="18" fill="DARK"/><path d="M-20 30H0" stroke="DARK" stroke-width="8"/>',
    "flower": '<path d="M0 0V90M-60 20V90M60 20V90" stroke="#3f7d3c" stroke-width="8"/><circle cy="-20" r="30" fill="C"/><circle cy="-20" r="12" fill="#f2c53d"/><circle cx="-60" r="24" fill="C"/><circle cx="-60" r="10" fill="#f2c53d"/><circle cx="60" r="24" fill="C"/><circle cx="60" r="10" fill="#f2c53d"/>',
    "ball": '<circle cy="40" r="40" fill="C"/><path d="M-34 20Q0 50 34 20" fill="none" stroke="#fff" stroke-width="6"/>',
    "fire": '<path d="M-70 90L70 60M-70 60L70 90" stroke="#7a5a3a" stroke-width="16"/><path d="M0 -90Q60 0 40 60H-40Q-70 0 -20 -20Q-16 -50 0 -90Z" fill="#ee7b30"/><path d="M0 -20Q30 20 18 60H-18Q-34 20 0 -20Z" fill="#f9d057"/>',
    "car": '<path d="M-120 40V0L-70 -8L-40 -54H50L84 -8L120 4V40Z" fill="C"/><path d="M-52 -8L-32 -42H0V-8ZM12 -8V-42H42L66 -8Z" fill="#d5ecf7"/><circle cx="-66" cy="44" r="26" fill="DARK"/><circle cx="70" cy="44" r="26" fill="DARK"/>',
}  # fmt: skip


def draw(backdrop: str, motifs: Sequence[str], colour: str, *, shift: int) -> str:
    """The picture as SVG text; `shift` moves the motifs a little, so that pictures of one scene differ."""
    sky, shapes = BACKDROPS[backdrop]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
    ]
    parts.append(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{sky}"/>')
    parts += [f'<path d="{path}" fill="{paint}"/>' for paint, path in shapes]
    for place, motif in enumerate(motifs):
        x = WIDTH // 2 + shift if len(motifs) == 1 else 210 + 230 * place + shift
        body = MOTIFS[motif].replace("SKIN", SKIN).replace("DARK", DARK).replace('"C"', f'"{PAINT[colour]}"')
        parts.append(f'<g transform="translate({x} 270) scale(1.25)">{body}</g>')
    parts.append(
        '<text x="628" y="410" text-anchor="end" font-family="sans-serif" font-size="12" opacity=".6">synthetic</text>'
    )
    return "".join([*parts, "</svg>\n"])
