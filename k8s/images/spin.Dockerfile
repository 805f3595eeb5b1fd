# The application for containerd-shim-spin, which reads these files at the image's root and runs
# the component that SPIN_COMPONENTS_TO_RETAIN names.
FROM scratch
LABEL org.opencontainers.image.title="coffeeshop" \
      org.opencontainers.image.description="A coffee shop's ordering system, for Spin" \
      org.opencontainers.image.version="0.1.0"
COPY spin.toml runtime-config.toml /
COPY build/spin/product-api.wasm /build/spin/
COPY build/spin/counter-api.wasm /build/spin/
COPY build/spin/station-api.wasm /build/spin/
USER 65532:65532
