"""Form: the ways in which carriers number parcels, as patterns over normalised numbers, with their check digits.

:data:`ABROAD` is from the open data set tracking_number_data (MIT), as are the numbers it is tested with. :data:`MARKED` and
:data:`LOOSE` are from experience with Chinese carriers, who publish nothing of the kind: what fits proves nothing, and what does
not may be new. MARKED numbers name their carrier by letters; LOOSE ones are digits that many carriers could have given.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from aftersales.digit import fits_luhn, fits_mod7, fits_mod10, fits_mod37, fits_weighed

#: What can be a parcel's number at all, by anybody.
PLAUSIBLE = re.compile(r"(?=(?:[A-Z]*[0-9]){2})[0-9A-Z]{6,40}")


@dataclass(frozen=True, slots=True)
class Form:
    """One way of numbering. ``check`` is given the groups of ``pattern``: the serial and its check digit; None: there is none."""

    name: str
    carrier: str
    pattern: re.Pattern[str]
    check: Callable[[str, str], bool] | None = None


def _f(name: str, carrier: str, pattern: str, check: Callable[[str, str], bool] | None = None) -> Form:
    return Form(name, carrier, re.compile(pattern), check)


_ones_threes = partial(fits_mod10, even=1, odd=3)
_threes_ones = partial(fits_mod10, even=3, odd=1)
_ones_twos = partial(fits_mod10, even=1, odd=2)
_fedex_12 = partial(fits_weighed, weights=(3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1))
_fedex_34 = partial(fits_weighed, weights=(1, 7, 3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1))


def _smartpost(serial: str, check: str) -> bool:
    return _threes_ones(serial if serial.startswith("92") else f"92{serial}", check)


def _impb(serial: str, check: str) -> bool:
    return _threes_ones(serial if re.match("9[1-5]", serial) else f"91{serial}", check)


def _ontrac(serial: str, check: str) -> bool:
    return _ones_twos(serial if serial.startswith("4") else f"4{serial}", check)


ABROAD = (
    _f("UPS 1Z", "ups", r"1Z([0-9A-Z]{15})([0-9])", _ones_twos),
    _f("FedEx Express 12", "fedex", r"(\d{11})(\d)", _fedex_12),
    _f("FedEx Express 34", "fedex", r"100\d{17}(\d{13})(\d)", _fedex_34),
    _f("FedEx Ground 15", "fedex", r"(\d{14})(\d)", _ones_threes),
    _f("FedEx Ground SSCC-18", "fedex", r"\d\d(\d{15})(\d)", _threes_ones),
    _f("FedEx Ground 96", "fedex", r"96\d{5}(\d{14})(\d)", _ones_threes),
    _f("FedEx Ground GSN", "fedex", r"96\d{18}(\d{13})(\d)", _fedex_34),
    _f("FedEx SmartPost", "fedex", r"(?:92)?(\d{19})(\d)", _smartpost),
    _f("USPS 20", "usps", r"(\d{19})(\d)", _threes_ones),
    _f("USPS IMpb 20", "usps", r"(?:420\d{5})?(\d{19}|\d{23})(\d)", _impb),
    _f("USPS IMpb 22", "usps", r"(?:420\d{5})?(9[1-5](?:\d{19}|\d{23}))(\d)", _impb),
    _f("USPS 34", "usps", r"420\d{9}((?:9[2-5])?\d{19})(\d)", _threes_ones),
    _f("DHL Express 10", "dhl", r"(\d{9})(\d)", fits_mod7),
    _f("DHL Express Air 11", "dhl", r"(\d{10})(\d)", fits_mod7),
    _f("DPD 28", "dpd", r"(\d{27})([0-9A-Z])", fits_mod37),
    _f("Canada Post 16", "canadapost", r"(\d{15})(\d)", _threes_ones),
    _f("OnTrac C", "ontrac", r"C(\d{13})(\d)", _ontrac),
    _f("Purolator 12", "purolator", r"([0-5]\d{10})(\d)", fits_luhn),
    _f("Old Dominion", "olddominion", r"((?:777|072)\d{7})(\d)", fits_luhn),
    _f("Old Dominion guaranteed", "olddominion", r"(80\d{8})(\d)", fits_luhn),
    _f("Amazon TBA", "amazon", r"TBA\d{12}"),
    _f("LaserShip LX", "lasership", r"LX1[3-8]\d{6}"),
    _f("LaserShip 1LS7", "lasership", r"1LS7[12]\d{10}|1LS7[12]\d\d01[1-4]\d{6}1"),
    _f("Landmark LTN", "landmark", r"LTN\d{8}N1"),
    _f("Purolator letters", "purolator", r"[A-Z]{3}\d{9}"),
    _f("Canpar 22", "canpar", r"[CDKLSUXZ]\d{21}"),
    _f("Spee-Dee SP", "speedee", r"SP\d{18}"),
    _f("GOFO US", "gofo", r"GFUS\d{14}"),
    _f("Yodel JD", "yodel", r"JJ?D\d{16}"),
    _f("YunExpress YT", "yunexpress", r"YT\d{16}"),
)

MARKED = (
    _f("SF Express", "sf", r"SF\d{13}"),
    _f("YTO Express", "yto", r"YT\d{13}"),
    _f("J&T Express", "jt", r"JT\d{13}"),
    _f("JD Logistics", "jd", r"JD(?:[A-Z]{1,3}\d{10,14}|\d{11,14})"),
    _f("Deppon", "deppon", r"DP[A-Z]?\d{9,15}"),
    _f("KYE Express", "kye", r"KY\d{13}"),
    _f("ZTO Express", "zto", r"ZT\d{11,14}"),
    _f("STO Express", "sto", r"ST\d{12,14}"),
    _f("Fengwang", "fengwang", r"FW\d{10,14}"),
    _f("Cainiao", "cainiao", r"(?:LP|CN)\d{14,18}"),
    _f("Yanwen", "yanwen", r"U[A-Z]\d{9}YP|YW\d{12,16}"),
    _f("4PX", "4px", r"4PX\d{12,16}CN"),
)

#: Digits, and letters that name nobody: looked at only where the carrier is stated.
LOOSE = tuple(
    _f(f"{carrier.upper()} digits", carrier, pattern)
    for carrier, pattern in (
        ("sf", r"\d{12}|\d{15}"),
        ("yto", r"[0-9A-Z]\d{9}|\d{12}|\d{18}"),
        ("zto", r"\d{12,15}"),
        ("sto", r"\d{12,15}"),
        ("yunda", r"\d{13,15}"),
        ("jd", r"\d{11,16}"),
        ("ems", r"\d{13}"),
        ("post", r"\d{13}"),
        ("best", r"[A-Z]{0,2}\d{12,15}"),
        ("bestky", r"\d{11,15}"),
        ("deppon", r"\d{8,12}"),
        ("ztoky", r"\d{12,14}"),
        ("yundaky", r"\d{12,15}"),
        ("ane", r"\d{12,15}"),
        ("yimi", r"\d{12,15}"),
        ("uc", r"\d{12,15}"),
        ("ttk", r"\d{12,14}"),
        ("zjs", r"[A-Z]?\d{10,14}"),
        ("cainiao", r"\d{13,16}"),
        ("sxjd", r"\d{11,14}"),
        ("jtky", r"\d{12,15}"),
    )
)
