# The bridge on one machine, or its demo: docs/one-machine.md. Made of a release's archive (scripts/release), so
# that the image has the very program that was released:
#
#   docker build --build-arg RELEASE=. --tag haptik-bridge .                        # in a release's folder
#   docker build --build-arg RELEASE=target/release-0.1.0 --tag haptik-bridge .     # in the sources
#   docker run --rm --publish 127.0.0.1:3000:3000 haptik-bridge                     # the demo
#
# What is in it besides: glibc, and the certificates of Debian 12 (distroless, without a shell).
ARG BASE=gcr.io/distroless/cc-debian12:nonroot

FROM debian:12-slim AS program
ARG TARGETARCH
ARG RELEASE=target/release-0.1.0
COPY ${RELEASE}/haptik-bridge-*-linux.tar.gz /release/
# TARGETARCH is amd64 or arm64; the release says x86_64 or arm64.
RUN case "${TARGETARCH:-amd64}" in amd64) architecture=x86_64 ;; *) architecture=$TARGETARCH ;; esac \
    && mkdir -p /image/usr/local/bin /image/usr/share/doc/haptik-bridge /image/data /image/config \
    && tar -xzf /release/haptik-bridge-*-"$architecture"-linux.tar.gz \
        --strip-components=1 --directory /image/usr/share/doc/haptik-bridge \
    && mv /image/usr/share/doc/haptik-bridge/haptik-bridge /image/usr/local/bin/ \
    && chown 65532:65532 /image/data

FROM ${BASE}
LABEL org.opencontainers.image.title="haptik-bridge" \
      org.opencontainers.image.description="Messaging channels for a Haptik bot" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.source="https://github.com/haptik-bridge/haptik-bridge"
COPY --from=program /image /
# The user `nonroot` of distroless.
USER 65532:65532
# The configuration is /config/bridge.toml, mounted there, or the text of the variable NAME with
# HAPTIK_BRIDGE_CONFIG=env:NAME; without either, the demo runs.
WORKDIR /config
ENV HAPTIK_BRIDGE_LISTEN=0.0.0.0:3000 \
    HAPTIK_BRIDGE_DATA_DIR=/data \
    HAPTIK_BRIDGE_LOG_FORMAT=json
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/usr/local/bin/haptik-bridge", "health"]
# SIGTERM stops it cleanly: what is in work is finished, what is pending goes on at the next start.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/haptik-bridge"]
