"""What the photos of each set are labelled as: products and scenes, several where the label leaves it open.

A label is a tuple of allowed answers: an apple of unknown variety may be called any apple. A photo without products teaches none.
"""

from __future__ import annotations

from models.data import Photo

NONE = "none"  # nothing that has a name here
APPLES = ("apple", "Golden-Delicious", "Granny-Smith", "Pink-Lady", "Red-Delicious")
ORANGES = ("Orange", "Satsumas")
#: What the labels of the produce sets mean, by their first word.
PRODUCE = {
    "apple": APPLES,
    "banana": ("Banana",),
    "egg": ("egg",),
    "grape": ("grape",),
    "guava": ("guava",),
    "jujube": ("jujube",),
    "mango": ("Mango",),
    "mixed": (*APPLES, "Banana", "Orange"),
    "orange": ("Orange",),
    "pomegranate": ("Pomegranate",),
    "strawberry": ("strawberry",),
}
#: Produce among the pictures of one thing each.
FOOD = {
    "Granny_Smith": ("Granny-Smith",),
    "banana": ("Banana",),
    "bell_pepper": ("Green-Bell-Pepper", "Orange-Bell-Pepper", "Red-Bell-Pepper", "Yellow-Bell-Pepper"),
    "cucumber": ("Cucumber",),
    "lemon": ("Lemon",),
    "mushroom": ("Brown-Cap-Mushroom",),
    "orange": ORANGES,
    "pineapple": ("Pineapple",),
    "pomegranate": ("Pomegranate",),
    "strawberry": ("strawberry",),
    "zucchini": ("Zucchini",),
}
EXTRA = ("apple", "egg", "grape", "guava", "jujube", "strawberry", NONE)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: goods: produce or packages that the model knows; thing: something else that could be sold; other: no product photo.
SCENES = ("goods", "thing", "other", "label", "waybill", "parcel")
#: Caltech classes of things that could be sold; of the living ones and the plants it cannot be said.
THINGS = _words(
    "accordion barrel binocular camera ceiling_fan cellphone chair chandelier cup electric_guitar euphonium ewer gramophone "
    "grand_piano headphone inline_skate lamp laptop mandolin menorah metronome motorbikes pizza revolver saxophone scissors "
    "soccer_ball stapler umbrella watch wheelchair windsor_chair wrench"
)
EITHER = _words(
    "anchor bass bonsai brain buddha cannon crab crayfish dollar_bill lobster lotus nautilus octopus starfish sunflower "
    "water_lilly yin_yang"
)
#: ImageNet classes of things that could be sold.
GOODS_LIKE = _words(
    "Loafer acoustic_guitar backpack barber_chair binoculars chain_saw coffeepot cornet cuirass dial_telephone diaper "
    "digital_clock disk_brake electric_fan electric_guitar espresso_maker hand-held_computer hand_blower lampshade "
    "loudspeaker magnetic_compass nail necklace pedestal pick pillow prayer_rug projector punching_bag rifle "
    "shopping_basket shower_curtain strainer teddy upright water_bottle wok"
)


def products(photo: Photo) -> tuple[str, ...]:
    """The products that the photo may be called; empty where its label says nothing about it."""
    first = photo.kind.split("_")[0]
    if photo.set in {"product_shop", "product_iconic"}:
        return (photo.kind,)
    if photo.set == "fruit_rot_seg":
        return (*APPLES, *ORANGES, "Lemon", "Peach", "Nectarine")
    if photo.set == "fruit_fresh_rotten_det" and first == "orange":
        return (*ORANGES, *APPLES)  # some apples and mandarins are called oranges there
    if photo.set == "generic":
        return ("strawberry",) if photo.kind == "strawberry" else (NONE,)
    if photo.set == "unrelated":
        return FOOD.get(photo.detail, (NONE,))
    if photo.set in {"label_barcode", "waybill", "package"}:
        return (NONE,)
    if photo.set == "recapture":
        return (NONE,) if photo.kind == "real" else ()
    return PRODUCE[first]


def scenes(photo: Photo) -> tuple[str, ...]:
    """The scenes that the photo may be called; empty where its label says nothing about it."""
    if photo.set == "generic":
        if photo.kind == "strawberry":
            return ("goods",)
        return ("thing",) if photo.kind in THINGS else ("thing", "other") if photo.kind in EITHER else ("other",)
    if photo.set == "unrelated":
        if photo.kind == "food_misc":
            return ("goods",) if photo.detail in FOOD else ("goods", "thing")
        return ("thing",) if photo.detail in GOODS_LIKE else ("thing", "other") if photo.detail in {"hip", "acorn"} else ("other",)
    if photo.set == "label_barcode":
        return ("label",)
    if photo.set == "recapture":
        return ("thing", "other") if photo.kind == "real" else ()
    return {"waybill": ("waybill",), "package": ("parcel",)}.get(photo.set, ("goods",))


def vocabulary(photos: tuple[Photo, ...]) -> tuple[str, ...]:
    """The products, sorted, the extra ones after them and NONE last."""
    return (*sorted({photo.kind for photo in photos if photo.set == "product_shop"}), *EXTRA)
