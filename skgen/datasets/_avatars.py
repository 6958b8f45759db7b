"""Drawn faces with known attributes, rendered on the spot."""

import io
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch, check_random_state

from skgen._sklearn import Interval, validate_params

# What is drawn at random. Left out are costumes, and what hides most of a face.
_CHOICES = {
    "facial_hair": (
        "BEARD_LIGHT BEARD_MAGESTIC BEARD_MEDIUM EINSTEIN_MOUSTACHE MOUSTACHE_FANCY "
        "MOUSTACHE_MAGNUM WICK_BEARD"
    ),
    "accessory": "KURT PRESCRIPTION_1 PRESCRIPTION_2 ROUND SUNGLASSES WAYFARERS",
    "hair": (
        "BIG_HAIR BOB BRAIDS BUN BUZZCUT CAESAR CAESAR_SIDE_PART CORNROWS CURLY CURVY DREADLOCKS "
        "DREADS EINSTEIN_HAIR ELVIS EVIL_SPIKE FRIZZLE FRO FRO_BAND HALF_SHAVED LONG_NOT_TOO_LONG "
        "MIA_WALLACE MOHAWK MOWGLI NONE PIXIE POMPADOUR QUIFF SHAGGY SHAGGY_MULLET SHORT_CURLY "
        "SHORT_DREADS_1 SHORT_DREADS_2 SHORT_FLAT SHORT_ROUND SHORT_WAVED SIDES STRAIGHT_1 "
        "STRAIGHT_2 STRAIGHT_STRAND TWIST_LONG_HAIR TWIST_LONG_HAIR_2 WICK WILD"
    ),
    "hair_color": (
        "AUBURN BLACK BLONDE BLONDE_GOLDEN BROWN BROWN_DARK PASTEL_PINK PLATINUM RED SILVER_GRAY"
    ),
    "skin_color": "BLACK BROWN DARK_BROWN LIGHT PALE TANNED YELLOW",
    "eyes": "CLOSED DEFAULT HAPPY SIDE SQUINT SURPRISED WINK",
    "eyebrows": "ANGRY DEFAULT DEFAULT_NATURAL FLAT_NATURAL RAISED_EXCITED SAD_CONCERNED",
    "nose": "DEFAULT SMALL WIDE",
    "mouth": "BIG_SMILE CONCERNED DEFAULT DISBELIEF GRIMACE SAD SERIOUS SMILE TONGUE TWINKLE",
    "clothing": (
        "BLAZER_SHIRT BLAZER_SWEATER BOND_SUIT COLLAR_SWEATER HOODIE OVERALL SHIRT_CREW_NECK "
        "SHIRT_SCOOP_NECK SHIRT_V_NECK"
    ),
    "clothing_color": (
        "BLACK BLUE_01 BLUE_02 BLUE_03 GRAY_01 GRAY_02 HEATHER PASTEL_BLUE PASTEL_GREEN "
        "PASTEL_ORANGE PASTEL_YELLOW PINK RED WHITE"
    ),
}
# Half of the faces have no facial hair, and half of them no glasses.
_OFTEN_NONE = ("facial_hair", "accessory")

# Distance between colors, of 442 at most, below which hair is lost against the skin.
_CONTRAST = 60

_DRAWING = 'viewBox="0 0 264 280"'
_FACE = 'viewBox="36 26 192 192"'
_BACKGROUND = "#e2ecf5"


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "size": [Interval(Integral, 8, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_avatars(
    n_samples: int = 1000,
    *,
    size: int = 64,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Draw cartoon faces with known attributes: moustaches, glasses, hair, and so on.

    Every attribute is drawn by itself, so none tells anything of another, but for the color of
    facial hair: that is the hair's, or black where the hair's would hardly show on the skin.
    Needs python-avatars and resvg-py: ``pip install 'scikit-gen[avatars]'``. Rendering a thousand
    faces takes some seconds.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of faces.

    size : int, default=64
        Height and width of an image, in pixels.

    random_state : int, RandomState instance or None, default=None
        Seeds the attributes.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with these attributes:

        images : ndarray of shape (n_samples, size, size, 3), dtype uint8
            The faces, in color.
        attributes : dict of str to ndarray of shape (n_samples,)
            Strings: `facial_hair`, `accessory`, `hair`, `hair_color`, `skin_color`, `eyes`,
            `eyebrows`, `nose`, `mouth`, `clothing`, `clothing_color`, `facial_hair_color`; and
            booleans that follow from them: `moustache` and `beard` (a beard is not counted as a
            moustache), `glasses` and `sunglasses`, `gray_hair`. ``pandas.DataFrame`` makes a frame
            of it.

    Raises
    ------
    ImportError
        If python-avatars, resvg-py or pillow is not installed.

    See Also
    --------
    skgen.latent.AttributeEditor : Learns to add and to remove attributes.

    Notes
    -----
    The drawings are those of the library avataaars, by Pablo Stanley, free for personal and
    commercial use, as python-avatars (MIT license) has them.

    Examples
    --------
    >>> from skgen.datasets import make_avatars
    >>> faces = make_avatars(10, random_state=0)  # doctest: +SKIP
    >>> faces.images.shape  # doctest: +SKIP
    (10, 64, 64, 3)
    """
    try:
        import python_avatars
        import resvg_py
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            f"make_avatars needs {error.name}: pip install 'scikit-gen[avatars]'"
        ) from error
    random = check_random_state(random_state)
    attributes = {}
    for name, listed in _CHOICES.items():
        drawn = random.choice(listed.split(), n_samples)
        if name in _OFTEN_NONE:
            drawn = np.where(random.uniform(size=n_samples) < 0.5, "NONE", drawn)
        attributes[name] = drawn
    skin = _colors(python_avatars.SkinColor, attributes["skin_color"])
    hair = _colors(python_avatars.HairColor, attributes["hair_color"])
    shows = np.linalg.norm(skin - hair, axis=1) > _CONTRAST
    attributes["facial_hair_color"] = np.where(shows, attributes["hair_color"], "BLACK")
    images = np.empty((n_samples, size, size, 3), np.uint8)
    for number in range(n_samples):
        face = {name: values[number] for name, values in attributes.items()}
        avatar = python_avatars.Avatar(
            style=python_avatars.AvatarStyle.TRANSPARENT,
            top=python_avatars.HairType[face["hair"]],
            hair_color=python_avatars.HairColor[face["hair_color"]],
            eyebrows=python_avatars.EyebrowType[face["eyebrows"]],
            eyes=python_avatars.EyeType[face["eyes"]],
            nose=python_avatars.NoseType[face["nose"]],
            mouth=python_avatars.MouthType[face["mouth"]],
            facial_hair=python_avatars.FacialHairType[face["facial_hair"]],
            facial_hair_color=python_avatars.HairColor[face["facial_hair_color"]],
            skin_color=python_avatars.SkinColor[face["skin_color"]],
            accessory=python_avatars.AccessoryType[face["accessory"]],
            clothing=python_avatars.ClothingType[face["clothing"]],
            clothing_color=python_avatars.ClothingColor[face["clothing_color"]],
        )
        drawing = avatar.render().replace(_DRAWING, _FACE, 1)
        drawing = drawing.replace('width="264px" height="280px"', f'width="{size}" height="{size}"')
        png = resvg_py.svg_to_bytes(
            svg_string=drawing, width=size, height=size, background=_BACKGROUND
        )
        images[number] = np.asarray(Image.open(io.BytesIO(bytes(png))).convert("RGB"))
    facial, accessory = attributes["facial_hair"], attributes["accessory"]
    attributes["moustache"] = np.char.find(facial, "MOUSTACHE") >= 0
    attributes["beard"] = np.char.find(facial, "BEARD") >= 0
    attributes["sunglasses"] = np.isin(accessory, ("KURT", "SUNGLASSES", "WAYFARERS"))
    attributes["glasses"] = (accessory != "NONE") & ~attributes["sunglasses"]
    attributes["gray_hair"] = np.isin(attributes["hair_color"], ("SILVER_GRAY", "PLATINUM")) & (
        attributes["hair"] != "NONE"
    )
    return Bunch(images=images, attributes=attributes)


def _colors(palette: Any, names: NDArray) -> NDArray[np.float64]:  # (n_names, 3)
    """Return named colors as (n_samples, 3) of red, green and blue, 0 to 255."""
    return np.array([list(bytes.fromhex(palette[name].value.lstrip("#"))) for name in names], float)
