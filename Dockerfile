# Builds authsrv and nothing else into an image that runs as a user without rights, on a read-only root file system.
# No secret is part of it: keys are made at the first start, in the volume.

FROM rust:1-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc g++ libc6-dev make cmake \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY seed seed
COPY src src
# The manifest names the tests; they are not built.
COPY tests/main.rs tests/main.rs
RUN cargo build --release --locked --bin authsrv \
    && install -D -m 0755 target/release/authsrv /out/usr/local/bin/authsrv \
    && install -d -m 0700 /out/state/data /out/state/backups

# The C library that the binary was linked with, the certificates by which a mail server is known, and no shell.
FROM gcr.io/distroless/cc-debian12
LABEL org.opencontainers.image.title="authsrv" \
      org.opencontainers.image.description="Users, sign-in, sessions and rights for your REST APIs" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /out/usr/local/bin/authsrv /usr/local/bin/authsrv
# What is in the folder, so that the folders for the data and for backups keep their mode.
COPY --from=build --chown=65532:65532 /out/state/ /
ENV AUTHSRV_DB=/data/authsrv.db \
    AUTHSRV_LISTEN=0.0.0.0:8000
USER 65532:65532
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["/usr/local/bin/authsrv", "health"]
ENTRYPOINT ["/usr/local/bin/authsrv"]
CMD ["serve"]
