# The same components for clusters without a shim, compiled ahead of time, with wasmtime and the C
# library that it needs. The container's argument is the component's path; what it is set by is
# the container's own environment. wasmtime finishes its requests at an interrupt.
FROM scratch
LABEL org.opencontainers.image.title="coffeeshop" \
      org.opencontainers.image.description="A coffee shop's ordering system, for plain wasmtime" \
      org.opencontainers.image.version="0.1.0"
COPY wasmtime /
COPY product-api.cwasm /
COPY counter-api.cwasm /
COPY station-api.cwasm /
USER 65532:65532
STOPSIGNAL SIGINT
ENTRYPOINT ["/wasmtime", "serve", "--allow-precompiled", "--no-logging-prefix", "--max-concurrent-requests", "16", "--max-instance-reuse-count", "2000", "-C", "cache=n", "-S", "p3,cli,inherit-env", "-W", "component-model-async", "-O", "pooling-allocator=n", "--addr", "0.0.0.0:8080"]
