# One program with the libraries that it needs, for a manifest that names the command.
FROM scratch
COPY root/ /
USER 65532:65532
