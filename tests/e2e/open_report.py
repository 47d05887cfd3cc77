#!/usr/bin/env python3
"""Opens a report.html in a headless browser without a network, in light and in dark, and looks at what is drawn.

Usage: open_report.py BROWSER REPORT FOLDER. Leaves light.png and dark.png in FOLDER. Prints one line per fault and exits with 1
when there is one. Standard library only.
"""
import os
import re
import struct
import subprocess
import sys
import zlib

WIDTH, HEIGHT = 1280, 900
SCHEMES = {"light": "1", "dark": "0"}  # of Blink's setting


def browse(browser, folder, scheme, *arguments):
    # No name resolves: a page that needs the network would miss something.
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND",
               f"--user-data-dir={folder}/profile", f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}",
               f"--window-size={WIDTH},{HEIGHT}", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nended with {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}")
    return done.stdout.decode(errors="replace")


def pixels(path):
    """Rows of (red, green, blue) of a PNG with 8 bits a channel."""
    with open(path, "rb") as file:
        data = file.read()
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    size = {2: 3, 6: 4}[kind]
    assert depth == 8
    packed, at = b"", 8
    while at < len(data):
        length, = struct.unpack(">I", data[at:at + 4])
        if data[at + 4:at + 8] == b"IDAT":
            packed += data[at + 8:at + 8 + length]
        at += 12 + length
    raw, rows, above = zlib.decompress(packed), [], bytearray(width * size)
    for y in range(height):
        begin = y * (width * size + 1)
        above = unfiltered(raw[begin], bytearray(raw[begin + 1:begin + 1 + width * size]), above, size)
        rows.append([tuple(above[x:x + 3]) for x in range(0, width * size, size)])
    return rows


def unfiltered(how, line, above, size):
    """One line of a PNG, from its five kinds of filter."""
    for i in range(len(line)):
        left, up = (line[i - size] if i >= size else 0), above[i]
        corner = above[i - size] if i >= size else 0
        if how == 1:
            line[i] = (line[i] + left) & 255
        elif how == 2:
            line[i] = (line[i] + up) & 255
        elif how == 3:
            line[i] = (line[i] + (left + up) // 2) & 255
        elif how == 4:
            guess = left + up - corner
            line[i] = (line[i] + min((left, up, corner), key=lambda value: abs(guess - value))) & 255
    return line


def luminance(colour):
    """Of WCAG 2, in [0, 1]."""
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (value / 255 for value in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def faults_of_picture(scheme, rows):
    """The ground is light or dark as asked for, and text of enough contrast stands on it."""
    ground = luminance(rows[0][0])
    if (ground > 0.5) != (scheme == "light"):
        yield f"{scheme}: the ground has luminance {ground:.2f}"
    cells = [luminance(pixel) for row in rows[::2] for pixel in row[::2]]
    readable = sum((max(l, ground) + 0.05) / (min(l, ground) + 0.05) >= 4.5 for l in cells) / len(cells)
    if readable < 0.005:
        yield f"{scheme}: expected text on 0.5 % of the page and more, found {100 * readable:.2f} %"


def faults_of_page(dom):
    for name, least in (("h2", 2), ("table", 1), ("caption", 1), ("svg", 1)):
        found = len(re.findall(f"<{name}[ >]", dom))
        if found < least:
            yield f"expected <{name}> {least} times or more, found {found}"
    for picture in re.findall(r"<svg.*?</svg>", dom, re.S):
        for part in ('role="img"', "<title", "<desc", "aria-labelledby"):
            if part not in picture:
                yield f"a figure without {part}"
    if "<img" in dom or "<script" in dom:
        yield "expected neither <img> nor <script>"


def main():
    browser, report, folder = sys.argv[1:]
    page = "file://" + os.path.abspath(report)
    faults = list(faults_of_page(browse(browser, folder, "light", "--dump-dom", page)))
    for scheme in SCHEMES:
        picture = os.path.join(folder, scheme + ".png")
        browse(browser, folder, scheme, "--screenshot=" + picture, page)
        faults += faults_of_picture(scheme, pixels(picture))
    print("\n".join(faults))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
