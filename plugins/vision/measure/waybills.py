"""Waybills drawn by script, beside drawn berries, as a phone would take them: nobody's, so they may be shown and kept.

They need a Chinese font, which the development environment brings (``noto-cjk-sans-otc``).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image as Picture
    from PIL.ImageDraw import ImageDraw as Pen
    from PIL.ImageFont import FreeTypeFont

SIZE = (1024, 768)
_FAMILY = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕施张"
_GIVEN = ("伟", "娜", "秀英", "建国", "晓明", "丽华", "子涵", "浩然", "雨桐", "志强", "芳", "敏")
_TOWNS = (
    "广东省深圳市南山区科技园街道",
    "浙江省杭州市西湖区文三路街道",
    "四川省成都市武侯区桂溪街道",
    "山东省烟台市栖霞市臧家庄镇",
    "北京市朝阳区望京街道",
)
_STREETS = ("高新南一道8号3栋502室", "翠苑新村12幢2单元601", "天府大道北段1700号7楼", "果园路12号", "阜通东大街6号院4号楼1503室")
_CARRIERS = (
    ("顺丰速运", "SF", 13),
    ("圆通速递", "YT", 13),
    ("极兔速递", "JT", 13),
    ("中通快递", "7", 13),
    ("韵达快递", "43", 13),
    ("京东快递", "JDX", 12),
)
_LATIN = (
    ("Emily Carter", "221 Baker Street", "Springfield 62704", "+1 (217) 555-0142"),
    ("Liam Novak", "48 Harbour Road", "Apt 12", "+44 20 7946 0958"),
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture with what is personal on it: ``fields`` are (what, text). ``number`` is the parcel's, ``codes`` are what bars say.

    ``berries`` are where the berries lie, (left, top, right, bottom) in fractions.
    """

    rgb: NDArray[np.uint8]
    fields: tuple[tuple[str, str], ...]
    number: str
    codes: tuple[str, ...]
    berries: tuple[tuple[float, float, float, float], ...]


def able() -> bool:
    """Whether the font is here."""
    return find_spec("noto_cjk_sans_otc") is not None


def draw(seed: int, turn: int | None = None) -> Drawn:
    """A waybill and berries on a table, the sheet turned, the picture blurred, noisy and compressed, all by the seed.

    ``turn`` is the sheet's turn in degrees, by the seed where it is None.
    """
    from PIL import Image, ImageFilter

    chance = random.Random(seed)  # noqa: S311  # a drawing, no secret
    sheet, fields, number, codes = _sheet(chance)
    table = Image.new("RGB", SIZE, chance.choice(((186, 150, 110), (228, 226, 220), (120, 128, 140), (240, 240, 238))))
    berries = _berries(table, chance)
    turn = chance.choice((0, 90, 180, 270)) + chance.randint(-25, 25) if turn is None else turn
    side = chance.uniform(560, 740)
    sheet = sheet.resize((round(sheet.width * side / sheet.height), round(side)), Image.Resampling.LANCZOS).convert("RGBA")
    sheet = sheet.rotate(turn, Image.Resampling.BICUBIC, expand=True)
    sheet.thumbnail((680, 740))
    table.paste(sheet, (chance.randint(6, 20), (SIZE[1] - sheet.height) // 2), sheet)
    picture = table.filter(ImageFilter.GaussianBlur(chance.choice((0, 0.4, 0.7, 1.0))))
    return Drawn(_taken(picture, chance), tuple(fields), number, codes, berries)


def _sheet(chance: random.Random) -> tuple[Picture, list[tuple[str, str]], str, tuple[str, ...]]:
    """The waybill itself, and what is written on it."""
    from PIL import Image, ImageDraw

    carrier, prefix, digits = chance.choice(_CARRIERS)
    number = prefix + "".join(chance.choice("0123456789") for _ in range(digits))
    link = f"https://example.org/t/{number}"
    sheet = Image.new("RGB", (560, 780), "white")
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((2, 2, 557, 777), outline=0, width=2)
    pen.text((20, 10), carrier, font=_font(40), fill=0)
    pen.text((330, 22), "标准快递", font=_font(26), fill=0)
    sheet.paste(_code(number, "Code128", (440, 90)), (50, 78))
    pen.text((110, 170), f"运单号 {number}", font=_font(24), fill=0)
    pen.text((20, 216), f"{chance.randint(100, 999)}-{chance.randint(10, 99)} {chance.randint(100, 999)}", font=_font(52), fill=0)
    fields: list[tuple[str, str]] = []
    top = 300
    for who in ("收", "寄"):
        pen.line((0, top, 560, top), fill=0, width=2)
        top = _person(pen, who, top + 8, fields, chance)
    pen.line((0, top, 560, top), fill=0, width=2)
    sheet.paste(_code(link, "QRCode", (140, 140)), (400, top + 12))
    pen.text((20, top + 12), "托寄物：草莓5斤", font=_font(24), fill=0)
    pen.text((20, top + 50), "订单号 A10086", font=_font(24), fill=0)
    pen.text((20, top + 88), "已验视", font=_font(24), fill=0)
    return sheet, fields, number, (number, link)


def _person(pen: Pen, who: str, top: int, fields: list[tuple[str, str]], chance: random.Random) -> int:
    """One person's lines, added to ``fields``; gives where the next part begins."""
    size = chance.choice((20, 24, 28))
    if chance.random() < 0.15:
        name, street, town, phone = chance.choice(_LATIN)
        written = [f"{'Ship to' if who == '收' else 'From'}: {name}", f"Tel {phone}", street, town]
    else:
        name = chance.choice(_FAMILY) + chance.choice(_GIVEN)
        phone, street, town = _phone(chance), chance.choice(_STREETS), chance.choice(_TOWNS)
        head = chance.choice((f"{who}件人 {name} {phone}", f"{who} {name}  {phone}", f"{who}件人：{name} 电话：{phone}"))
        written = [head, town, street] if chance.random() < 0.6 else [head, town + street]
    for line in written:
        while pen.textlength(line, _font(size)) > 530:
            size -= 1
        pen.text((16, top), line, font=_font(size), fill=0)
        top += size + chance.randint(8, 14)
    fields += [("name", name), ("phone", phone), ("address", street), ("address", town)]
    return top + 6


def _phone(chance: random.Random) -> str:
    digits = "1" + chance.choice("3456789") + "".join(chance.choice("0123456789") for _ in range(9))
    return chance.choice(
        (digits, f"{digits[:3]} {digits[3:7]} {digits[7:]}", f"{digits[:3]}****{digits[7:]}", f"0535-{digits[3:10]}")
    )


def _berries(table: Picture, chance: random.Random) -> tuple[tuple[float, float, float, float], ...]:
    """Six berries on the right of the table, two of them rotten."""
    from PIL import ImageDraw

    pen = ImageDraw.Draw(table)
    places = []
    for i in range(6):
        x, y, reach = 790 + 150 * (i % 2), 130 + 240 * (i // 2), chance.randint(52, 66)
        pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=(196, 30, 44))
        for _ in range(40):
            dx, dy = chance.uniform(-0.7, 0.7) * reach, chance.uniform(-0.7, 0.7) * reach
            pen.ellipse((x + dx - 2, y + dy - 3, x + dx + 2, y + dy + 3), fill=(238, 200, 110))
        if i in (1, 4):
            pen.ellipse((x - reach // 2, y - reach // 2, x + reach // 2, y + reach // 3), fill=(70, 50, 40))
        places.append(((x - reach) / SIZE[0], (y - reach) / SIZE[1], (x + reach) / SIZE[0], (y + reach) / SIZE[1]))
    return tuple(places)


def _taken(picture: Picture, chance: random.Random) -> NDArray[np.uint8]:
    """The picture as a camera gives it: dimmer, with noise, compressed."""
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(chance.randrange(1 << 30)).normal(0, chance.choice((0, 3, 7)), (SIZE[1], SIZE[0], 3))
    lit = np.asarray(picture, dtype=np.float64) * chance.uniform(0.6, 1.0) + noise
    out = BytesIO()
    Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=chance.choice((60, 80, 92)))
    return np.ascontiguousarray(Image.open(BytesIO(out.getvalue())), dtype=np.uint8)


def _code(text: str, kind: str, size: tuple[int, int]) -> Picture:
    import numpy as np
    import zxingcpp
    from PIL import Image

    code = zxingcpp.create_barcode(text, getattr(zxingcpp.BarcodeFormat, kind))
    return Image.fromarray(np.asarray(code.to_image(scale=3))).resize(size, Image.Resampling.NEAREST)


def _font(size: int) -> FreeTypeFont:
    """The simplified Chinese face of the font collection."""
    from PIL import ImageFont

    found = find_spec("noto_cjk_sans_otc")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("waybills are drawn with the font of noto-cjk-sans-otc: run make setup")
    file = next(Path(found.submodule_search_locations[0]).rglob("*.ttc"))
    return ImageFont.truetype(str(file), size, index=2)
