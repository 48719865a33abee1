"""A VIST-sized import against a bare `json.load` of both files and a raw `executemany` of the same rows.

The same files again, with other line ends and with pictures added. And 15,000 pairs with one system's outputs. The
VIST-shaped files are made by the generator beside the real data.
"""

import argparse
import gc
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.common import ROOT, measured, print_result, print_table, read_jsonl, shared, write_jsonl

TABLES = ("album", "photo", "source", "sequencephoto", "story", "storysentence")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--albums", type=int, default=8031)
    options.add_argument("--repeats", type=int, default=3)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = [vist(Path(folder) / f"vist{n}", given.albums) for n in range(given.repeats)]
        pairs = [fifteen_thousand_pairs(Path(folder) / f"pairs{n}") for n in range(given.repeats)]
    import_s, bare_s, load_s = (
        statistics.median(result[key] for result in results) for key in ("import", "bare", "load")
    )
    again_s = statistics.median(result["again"] for result in results)
    peak, seconds = max(result["peak"] for result in results), statistics.median(pairs)
    print_table(
        [
            ["", "measured", "figure"],
            ["import of VIST, CPU s", import_s, ""],
            ["json.load of both files, CPU s", load_s, ""],
            ["executemany of the same rows, CPU s", bare_s - load_s, ""],
            ["ratio", import_s / bare_s, "≤ 5"],
            ["peak memory, MB", peak, "≤ 300"],
            ["rows", results[0]["rows"], ""],
            ["the same with other line ends and with pictures, CPU s", again_s, ""],
            ["rows doubled by that", results[0]["doubled"], "0"],
            ["pictures attached by that", results[0]["attached"], ""],
            ["15,000 pairs with one system's outputs, s", seconds, "≤ 3"],
        ]
    )
    print_result(
        ratio=import_s / bare_s,
        import_cpu_s=import_s,
        bare_cpu_s=bare_s,
        peak_mb=peak,
        pairs_s=seconds,
        again_s=again_s,
    )


def fresh_site(folder: Path) -> dict[str, str]:
    folder.mkdir(parents=True)
    env = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "REDIS_URL")}
    env["VAR_DIR"] = str(folder / "var")
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=env, check=True)
    return env


def vist(folder: Path, albums: int) -> dict[str, float]:
    env = fresh_site(folder)
    generator = shared().parent / "tools" / "make_vist.py"
    subprocess.run([sys.executable, str(generator), str(folder / "set"), "--albums", str(albums)], check=True, stdout=2)
    dii = sorted((folder / "set").rglob("*isolation*.json"))
    sis = sorted((folder / "set").rglob("*sequence*.json"))
    command = ["manage.py", "import_vist", "--dataset", "vist", "--split", "train"]
    cpu, peak, _ = measured([*command, "--dii", *map(str, dii), "--sis", *map(str, sis)], env)
    rows = rows_of(Path(env["VAR_DIR"]) / "storyblender.sqlite3")
    load_s, insert_s = bare([*dii, *sis], rows, folder / "bare.sqlite3")
    count = sum(len(table) for table in rows.values())
    again, doubled, attached = once_more(folder, env, dii, sis, count)
    found = {"import": cpu, "peak": peak, "load": load_s, "bare": load_s + insert_s, "rows": count}
    return found | {"again": again, "doubled": doubled, "attached": attached}


def once_more(folder: Path, env: dict[str, str], dii: list[Path], sis: list[Path], rows: int) -> tuple[float, int, int]:
    """CPU seconds of the files with other line ends and a picture for every hundredth photo; the rows that came on top;
    the photos that got a picture."""
    for file in (*dii, *sis):
        file.write_bytes(file.read_bytes().replace(b"}, {", b"},\r\n{"))
    database, pictures = Path(env["VAR_DIR"]) / "storyblender.sqlite3", folder / "pictures"
    pictures.mkdir()
    with sqlite3.connect(database) as connection:
        for (photo,) in connection.execute("SELECT external_id FROM annotations_photo WHERE id % 100 = 0"):
            (pictures / f"{photo}.jpg").touch()
    command = ["manage.py", "import_vist", "--dataset", "vist", "--split", "train", "--images", str(pictures)]
    cpu, _, _ = measured([*command, "--dii", *map(str, dii), "--sis", *map(str, sis)], env)
    after = rows_of(database)
    attached = sum(bool(row[3]) for row in after["photo"])
    return cpu, sum(len(table) for table in after.values()) - rows, attached


def rows_of(database: Path) -> dict[str, list[tuple[object, ...]]]:
    with sqlite3.connect(database) as connection:
        return {table: connection.execute(f"SELECT * FROM annotations_{table}").fetchall() for table in TABLES}


def bare(files: list[Path], rows: dict[str, list[tuple[object, ...]]], database: Path) -> tuple[float, float]:
    """CPU seconds of loading the files, and of inserting the rows into tables without keys or indexes."""
    gc.disable()
    start = time.process_time()
    for file in files:
        with file.open(encoding="utf-8") as opened:
            loaded = json.load(opened)
        del loaded
    loading = time.process_time() - start
    connection = sqlite3.connect(database)
    start = time.process_time()
    with connection:
        for table, values in rows.items():
            width = len(values[0]) if values else 1
            connection.execute(f"CREATE TABLE {table} ({', '.join(f'c{n}' for n in range(width))})")
            connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * width)})", values)
    inserting = time.process_time() - start
    connection.close()
    gc.enable()
    return loading, inserting


def fifteen_thousand_pairs(folder: Path) -> float:
    """Wall seconds of the whole command, start of Python included."""
    env = fresh_site(folder)
    real = [
        row for split in ("train", "valid", "test") for row in read_jsonl(shared("caption_story", f"{split}.jsonl"))
    ]
    rows = ({**row, "album": f"a{number // 5}"} for number, row in enumerate((real + real)[:15_000]))
    file = write_jsonl(folder / "pairs.jsonl", rows)
    command = [sys.executable, "manage.py", "import_pairs", str(file), "--dataset", "pairs", "--split", "train"]
    start = time.perf_counter()
    subprocess.run(
        [*command, "--album-field", "album", "--system", "lstm=seed_lstm"], cwd=ROOT, env=env, check=True, stdout=2
    )
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
