"""Makes the files beside it with Pillow 13.0.0: variants that Go's standard library cannot write. Each shows
the same picture of 32 x 24 pixels, with other colours on its four quarters:

    red (200, 30, 40)    green (30, 160, 60)
    blue (40, 60, 200)   sand (230, 220, 180)

    python photo/testdata/make.py
"""

import io
import pathlib
import struct

from PIL import Image, ImageCms

here = pathlib.Path(__file__).parent
red, green, blue, sand = (200, 30, 40), (30, 160, 60), (40, 60, 200), (230, 220, 180)

picture = Image.new("RGB", (32, 24))
for x, y, colour in [(0, 0, red), (16, 0, green), (0, 12, blue), (16, 12, sand)]:
    picture.paste(colour, (x, y, x + 16, y + 12))

picture.save(here / "lossy.webp", quality=95)
picture.save(here / "lossless.webp", lossless=True)
picture.save(here / "progressive.jpg", quality=95, progressive=True, subsampling=0)
picture.convert("CMYK").save(here / "cmyk.jpg", quality=95)

# The right half is transparent: it becomes white.
transparent = picture.convert("RGBA")
transparent.paste((0, 0, 0, 0), (16, 0, 32, 24))
transparent.save(here / "alpha_lossy.webp", quality=95)
transparent.save(here / "alpha_lossless.webp", lossless=True, exact=True)

black = Image.new("RGB", (32, 24))
picture.save(here / "animated.webp", save_all=True, append_images=[black], duration=100, quality=95)
picture.convert("P", palette=Image.Palette.ADAPTIVE).save(here / "animated.gif", save_all=True, append_images=[black], duration=100)

exif = Image.Exif()
exif[0x0112] = 6  # to be turned clockwise
picture.save(here / "turned.webp", quality=95, exif=exif)

# The same colours in files with colour profiles: Display P3 with sRGB's curve as a function, Adobe RGB with a power,
# and a space with ProPhoto's primaries and a table. LittleCMS, in Pillow, says what pixels that makes.


def profile(name, primaries, curve):
    """An ICC profile of the version 4: primaries as X, Y, Z in the light D50, and a curve tag for all three."""
    fixed = lambda *values: b"".join(struct.pack(">i", round(v * 65536)) for v in values)
    text = lambda s: b"mluc" + struct.pack(">IIIHHII", 0, 1, 12, 0x656E, 0x5553, 2 * len(s), 28) + s.encode("utf-16-be")
    xyz = lambda c: b"XYZ \0\0\0\0" + fixed(*c)
    d50 = (0.9642, 1, 0.8249)
    tags = [(b"desc", text(name)), (b"cprt", text("CC0")), (b"wtpt", xyz(d50))]
    tags += [(letter + b"XYZ", xyz(c)) for letter, c in zip((b"r", b"g", b"b"), primaries)]
    tags += [(letter + b"TRC", curve) for letter in (b"r", b"g", b"b")]
    body, table, at = b"", struct.pack(">I", len(tags)), 128 + 4 + 12 * len(tags)
    for tag, data in tags:
        table += tag + struct.pack(">II", at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s12s4s", at + len(body), b"\0" * 4, 0x04200000, b"mntr", b"RGB ", b"XYZ ", b"\0" * 12, b"acsp")
    return (head + b"\0" * 28 + fixed(*d50)).ljust(128, b"\0") + table + body


# Primaries as in ICC's registry of colour encodings, seen in D50.
p3 = profile(
    "Display P3",
    [(0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407)],
    b"para" + struct.pack(">IHH", 0, 3, 0) + b"".join(struct.pack(">i", round(v * 65536)) for v in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)),
)
adobe = profile(
    "Adobe RGB (1998)",
    [(0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)],
    b"curv" + struct.pack(">IIH", 0, 1, 563),
)
prophoto = profile(
    "ProPhoto RGB",
    [(0.79767, 0.28804, 0), (0.13519, 0.71187, 0), (0.03134, 0.00009, 0.8249)],
    b"curv" + struct.pack(">II", 0, 1024) + b"".join(struct.pack(">H", round(65535 * max(v / 16, v**1.8))) for v in (i / 1023 for i in range(1024))),
)


def meant(icc):
    srgb = ImageCms.createProfile("sRGB")
    return ImageCms.profileToProfile(picture, srgb, ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.Intent.RELATIVE_COLORIMETRIC)


meant(p3).save(here / "p3.jpg", quality=95, subsampling=0, icc_profile=p3)
meant(p3).resize((1600, 1200), Image.Resampling.NEAREST).save(here / "p3-large.jpg", quality=70, icc_profile=p3)
meant(adobe).save(here / "adobe.png", icc_profile=adobe)
meant(prophoto).save(here / "prophoto.webp", lossless=True, icc_profile=prophoto)
picture.save(here / "srgb.png", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
