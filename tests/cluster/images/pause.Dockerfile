FROM scratch
COPY root/ /
USER 65532:65532
ENTRYPOINT ["/pause"]
