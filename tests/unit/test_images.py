"""Images have the same digest when their files are the same."""

import os
import tarfile
from pathlib import Path

import pytest

from scripts.base.console import Failure
from scripts.build import images

DOCKERFILE = """\
FROM scratch
LABEL org.opencontainers.image.title="tried"
COPY one /
COPY below/ /deep/
USER 65532:65532
STOPSIGNAL SIGINT
ENTRYPOINT ["/one", "two words"]
"""


def context(folder: Path, modified: int) -> Path:
    for name in ("one", "below/two", "below/more/three"):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
        os.utime(file, (modified, modified))
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return folder


def test_two_builds_of_the_same_files_have_one_digest(tmp_path: Path) -> None:
    made = []
    for number in (1, 2):
        folder = context(tmp_path / str(number), modified=number * 1_000_000)
        archive = folder / "image.tar"
        image = images.write(folder / "Dockerfile", folder, "tried:1", archive)
        made.append((image.digest, image.layers, archive.read_bytes()))
    assert made[0] == made[1]


def test_a_changed_file_changes_the_digest(tmp_path: Path) -> None:
    folder = context(tmp_path, modified=0)
    first = images.write(folder / "Dockerfile", folder, "tried:1", folder / "image.tar")
    (folder / "one").write_text("other")
    second = images.write(folder / "Dockerfile", folder, "tried:1", folder / "image.tar")
    assert first.digest != second.digest
    assert first.layers[1] == second.layers[1]


def test_an_image_holds_what_the_dockerfile_says(tmp_path: Path) -> None:
    folder = context(tmp_path, modified=0)
    image = images.write(folder / "Dockerfile", folder, "tried:1", folder / "image.tar")
    with tarfile.open(image.archive) as archive:
        manifest = archive.extractfile("manifest.json")
        assert manifest
        assert b'"tried:1"' in manifest.read()


def test_an_unknown_instruction_is_refused(tmp_path: Path) -> None:
    folder = context(tmp_path, modified=0)
    (folder / "Dockerfile").write_text("FROM scratch\nRUN make\n")
    with pytest.raises(Failure, match="line 2: run is not known here"):
        images.write(folder / "Dockerfile", folder, "tried:1", folder / "image.tar")
