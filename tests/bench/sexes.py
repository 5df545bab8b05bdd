"""Women and men of LFW, told by their first names, and how often strangers of one sex match.

LFW says of nobody whether it is a woman or a man. The embeddings cannot tell either: a regression on the people of the
other sets whose sex is labelled put 261 of 323 people of LFW with women's names among the men; and whoever is chosen by
an embedding is alike in it. People whose first name leaves no doubt are chosen instead, and those of
`lfw-east-asian.csv`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.recipes.recognition.fit import ANYBODY, GROUP_SCORES, measure_held_out
from models.recipes.recognition.groups import FITTED, pairs_of
from models.recipes.recognition.people import LFW, corrected, numbered

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from models.recipes.recognition.encode import Encoded
    from models.recipes.recognition.people import LabelledPhoto
    from senseid_engine.curve import ScoreCurve

    Bools = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float32]

FIRST_NAMES = {
    "female": """
        Alexandra Allison Amanda Amelia Amy Ana Angela Angelina Ann Anna Anne Annette Anneli Audrey Barbara
        Beth Bridget Brigitte Britney Brooke Camilla Carla Carol Caroline Carolina Catherine Cecilia Celine
        Charlotte Chelsea Christina Christine Cindy Claire Claudia Colleen Cristina Cynthia Daniela Deborah
        Debra Denise Diana Diane Donna Doris Dorothy Eileen Elena Elisabeth Elizabeth Ellen Emily Emma Erin
        Eva Eve Evelyn Fiona Florence Frances Gillian Gina Giselle Gloria Grace Greta Gwyneth Halle Hannah
        Heather Heidi Helen Helena Hillary Holly Ingrid Irene Isabel Isabella Jacqueline Jane Janet Janice
        Jeanne Jennifer Jenny Jessica Jill Joanna Jodie Joyce Judith Judy Julia Julianne Julie Kate
        Katherine Kathleen Kathryn Kathy Katie Katja Katrin Kirsten Kristen Kristin Laura Linda Lindsay Lisa
        Liza Louise Lucia Lucy Lynne Magdalena Mandy Margaret Maria Marie Marina Marisa Martha
        Martina Mary Maureen Megan Meghann Melanie Melinda Melissa Meryl Mia Michelle Mira Molly Monica
        Monique Nancy Naomi Natalia Natalie Natasha Nicole Nina Nora Olga Olivia Pamela Patricia Patti Patty
        Paula Penelope Priscilla Rachel Rebecca Rebekah Renee Rita Rosa Rosemary Ruth Sally Samantha Sandra
        Sarah Selma Serena Sharon Sheila Sheryl Shirley Sigourney Sofia Sophia Sophie Stella Stephanie Susan
        Suzanne Sylvia Tara Tatiana Teresa Tiffany Tina Uma Ursula Vanessa Venus Victoria Wendy Winona Yoko""",
    "male": """
        Aaron Abdullah Adam Adrian Ahmed Al Alan Albert Alejandro Alexander Alfonso Alfredo Alvaro Andrew
        Anthony Antonio Arnold Arthur Barry Ben Benjamin Bernard Bill Billy Bob Bobby Boris Brad Brendan
        Brett Brian Bruce Bryan Carl Carlos Charles Charlie Christopher Chuck Colin Craig Curtis Dan Daniel
        Danny Darrell Dave David Dennis Derek Dick Diego Don Donald Doug Douglas Ed Eddie Eduardo Edward
        Elvis Enrique Eric Ernie Felipe Felix Fernando Francisco Frank Franz Fred Garry Gary George Gerald
        Gerard Gordon Greg Gregory Guillermo Gustavo Hank Hans Harry Hector Henry Howard Hugh Hugo Ian
        Ibrahim Ivan Jack Jacques James Jason Javier Jeff Jeffrey Jeremy Jim Jimmy Joe John Johnny
        Jonathan Jorge Jose Joseph Joshua Juan Juergen Julio Justin Keith Ken Kenneth Kevin Kirk Kurt Larry
        Lawrence Leonardo Lionel Lloyd Luis Manuel Marc Marcelo Marco Marcos Marcus Mario Mark Martin Matt
        Matthew Max Michael Miguel Mike Mikhail Mitchell Mohamed Mohammad Mohammed Nathan Nelson Nick Norman
        Omar Oscar Patrick Paul Pedro Pete Peter Phil Pierre Rafael Rainer Ralph Ramon Randy Raul Ray
        Ricardo Richard Rick Ricky Rob Robert Roberto Rod Roger Roman Ron Ronald Roy Ruben Scott Sean
        Sebastian Sergei Simon Stanley Stefan Stephen Steve Steven Ted Thomas Tim Todd Tom Tommy Tony Troy
        Victor Vince Vincent Vladimir Walter Warren Wayne William Wolfgang Yuri Zach""",
}


@dataclass(frozen=True, slots=True)
class OfOneSex:
    """The rates at which strangers of one sex of LFW reach the scores `GROUP_SCORES`.

    Attributes:
        name: of the group.
        people: how many there are.
        pairs: of photos of two of them.
        rates: with the shipped curve.
        others: with curves that were fitted to other people, the mean of all halves.
    """

    name: str
    people: int
    pairs: int
    rates: tuple[float, ...]
    others: tuple[float, ...]


def told(photos: Sequence[LabelledPhoto]) -> dict[str, Bools]:
    """Whether each person of LFW, by number, is known to be of that sex.

    Args:
        photos: with the corrections.
    """
    person = numbered(photos)
    sex_of = {first: sex for sex, names in FIRST_NAMES.items() for first in names.split()}
    chosen = {sex: np.zeros(int(person.max()) + 1, np.bool_) for sex in FIRST_NAMES}
    for number, photo in zip(person.tolist(), photos, strict=True):
        sex = photo.sex or sex_of.get(photo.person.split("_")[0])
        if photo.set == LFW and sex and "(" not in photo.person:  # a photo of somebody else bears a name in vain
            chosen[sex][number] = True
    return {"women of LFW": chosen["female"], "men of LFW": chosen["male"]}


def measure_sexes(encoded: Encoded, shipped: ScoreCurve) -> list[OfOneSex]:
    """The rates of women and of men.

    As in the recipe, the people are halved at random, the curve is fitted to one half and judged by the other.

    Args:
        encoded: the embeddings.
        shipped: the curve that ships.
    """
    photos = corrected(encoded.photos)
    groups = {name: pairs_of(encoded, photos, name) for name in FITTED}
    anybody = groups[ANYBODY]
    sexes, chosen_by_name = {}, told(photos)
    for name, chosen in chosen_by_name.items():
        both = chosen[anybody.first] & chosen[anybody.second]
        sexes[name] = anybody.only(both)
    people = int(numbered(photos).max()) + 1
    held_out = measure_held_out(groups | sexes, people, shipped)
    return [
        OfOneSex(
            name=name,
            people=int(chosen_by_name[name].sum()),
            pairs=len(pairs.z),
            rates=tuple(rates(np.sort(pairs.z), shipped)),
            others=tuple(rate.mean for rate in held_out[name]),
        )
        for name, pairs in sexes.items()
    ]


def rates(z: Floats, curve: ScoreCurve) -> list[float]:
    """The shares of ascending similarities that reach the scores `GROUP_SCORES`."""
    least = [curve.similarity_at(score) for score in GROUP_SCORES]
    return [(len(z) - int(np.searchsorted(z, limit, side="left"))) / len(z) for limit in least]
