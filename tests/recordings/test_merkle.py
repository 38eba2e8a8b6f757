"""The tree is that of RFC 6962: roots as other programs compute them, paths that lead only there."""

from __future__ import annotations

import pytest

from recordings.evidence.merkle import inclusion_path, leaf_hash, node_hash, root_from_path, tree_root

# Leaves and roots of the tests of Certificate Transparency.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def test_roots_are_those_other_programs_compute() -> None:
    assert [tree_root(LEAVES[:size]).hex() for size in range(9)] == ROOTS


def test_every_path_leads_to_the_root_and_no_other_leaf_or_place_does() -> None:
    leaves = [bytes([number]) for number in range(33)]
    for size in (*range(1, 10), 16, 17, 31, 32, 33):
        root = tree_root(leaves[:size])
        for index in range(size):
            path = inclusion_path(leaves[:size], index)
            assert root_from_path(leaves[index], index, size, path) == root
            assert root_from_path(b"other", index, size, path) != root
            if size > 1:
                swapped = [leaf_hash(b"x"), *path[1:]]
                assert root_from_path(leaves[index], index, size, swapped) != root
                with pytest.raises(ValueError):
                    root_from_path(leaves[index], index, size, path[:-1])
            with pytest.raises(ValueError):
                root_from_path(leaves[index], index, size, [*path, leaf_hash(b"x")])
    for index, size in ((-1, 3), (3, 3), (0, 0)):
        with pytest.raises(ValueError):
            root_from_path(b"", index, size, [])
    with pytest.raises(IndexError):
        inclusion_path(leaves, 33)


def test_a_node_cannot_be_passed_off_as_a_leaf() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert tree_root([left + right]) != tree_root([b"a", b"b"]) == node_hash(left, right)
