"""Makes the files beside it with Pillow 13.0.0: variants that Go's standard library cannot write. Each shows
the same picture of 32 x 24 pixels, with other colours on its four quarters:

    red (200, 30, 40)    green (30, 160, 60)
    blue (40, 60, 200)   sand (230, 220, 180)

    python photo/testdata/make.py
"""

import pathlib

from PIL import Image

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
