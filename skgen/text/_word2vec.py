"""Word vectors in word2vec's text format."""

from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

__all__ = ["read_word2vec", "write_word2vec"]


def write_word2vec(path: str | Path, words: Iterable[str], vectors: NDArray) -> None:
    """Write a line for every word, after one that says how many there are, and how long vectors."""
    lines = [f"{vectors.shape[0]} {vectors.shape[1]}\n".encode()]
    for word, vector in zip(words, vectors, strict=True):
        if len(word.split()) != 1 or word != word.strip():
            raise ValueError(
                f"{word!r} is empty or holds white space, which word2vec's text format cannot."
            )
        try:
            lines.append(f"{word} {' '.join(map(repr, vector.tolist()))}\n".encode())
        except UnicodeEncodeError as error:
            raise ValueError(f"{word!r} cannot be written as UTF-8: {error}.") from error
    with open(path, "wb") as file:  # not before all of it is known to be right
        file.writelines(lines)


def read_word2vec(path: str | Path) -> tuple[list[str], NDArray[np.float32]]:
    """Return the words of a file, and their vectors."""
    try:
        with open(path, encoding="utf-8", newline="\n") as file:
            return _read(path, file)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not in word2vec's text format, but may be in its binary one: {error}. "
            "gensim reads that, KeyedVectors.load_word2vec_format(path, binary=True), and writes "
            "this, save_word2vec_format."
        ) from error


def _read(path: str | Path, file: TextIO) -> tuple[list[str], NDArray[np.float32]]:
    first = file.readline().split()
    if len(first) != 2 or not all(one.isdecimal() and int(one) for one in first):
        raise ValueError(
            f"{path} is not in word2vec's text format: its first line has to be the number of "
            f"words and the length of their vectors, and is {' '.join(first)[:40]!r}."
        )
    n_words, size = map(int, first)
    words, vectors = dict[str, int](), np.empty((n_words, size), np.float32)
    for number, line in zip(range(n_words), file, strict=False):
        word, *values = line.rstrip().split(" ")
        try:
            if len(values) != size:
                raise ValueError(f"it has {len(values)} numbers")
            with np.errstate(over="ignore"):
                vectors[number] = values
            if not np.isfinite(vectors[number]).all():
                raise ValueError("a number is not finite in single precision")
            if words.setdefault(word, number) != number:
                raise ValueError(f"{word!r} is in line {words[word] + 2}, too")
        except ValueError as error:
            raise ValueError(
                f"Line {number + 2} of {path} has to be a word and {size} numbers: {error}."
            ) from error
    if len(words) < n_words or file.readline().strip():
        more = "fewer" if len(words) < n_words else "more"
        raise ValueError(f"{path} has {more} words than its first line says, {n_words}.")
    return list(words), vectors
