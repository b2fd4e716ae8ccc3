# A Docker-in-Docker image whose ENTRYPOINT is this project's binary.
#
#   docker build -t my-dind .                                   docker:dind with our entrypoint
#   docker build -t my-dind --target dind-rootless .            docker:dind-rootless with our entrypoint
#
# BUILD_IMAGE builds the static binary: anything with apk (Alpine) or apt (Debian, Ubuntu).
# DIND_IMAGE and DIND_ROOTLESS_IMAGE are what it is put into: an image with dockerd, of either family. A rootful one does
# for DIND_ROOTLESS_IMAGE too, if its packages hold rootlesskit: the user "rootless" is added where it is missing.
# Only plain instructions: the classic builder handles the file as well as BuildKit.
ARG BUILD_IMAGE=alpine:3.22
ARG DIND_IMAGE=docker:dind
ARG DIND_ROOTLESS_IMAGE=docker:dind-rootless
ARG VERSION=0.1.0

FROM ${BUILD_IMAGE} AS build
RUN set -eu; \
    if command -v apk >/dev/null; then \
        apk add --no-cache gcc musl-dev linux-headers cmake samurai pkgconf \
            openssl-dev openssl-libs-static yaml-dev yaml-static jansson-dev jansson-static \
            libcap-ng-dev libcap-ng-static; \
    elif command -v apt-get >/dev/null; then \
        export DEBIAN_FRONTEND=noninteractive; \
        apt-get -q update; \
        apt-get -q -y install --no-install-recommends gcc libc6-dev cmake ninja-build pkgconf \
            libssl-dev zlib1g-dev libzstd-dev libyaml-dev libjansson-dev libcap-ng-dev; \
    else \
        echo 'BUILD_IMAGE has neither apk nor apt-get: use an Alpine, Debian or Ubuntu image' >&2; exit 1; \
    fi
WORKDIR /src
COPY . .
RUN set -eu; \
    cmake --preset release; \
    cmake --build --preset release; \
    DESTDIR=/out cmake --install build/release --prefix /usr/local --strip

FROM ${DIND_IMAGE} AS dind
COPY --from=build /out/usr/local/bin/ /usr/local/bin/
# World-writable with the sticky bit, as in the official images: the engine may run as any user, and a volume mounted on
# either folder starts with these modes.
RUN mkdir -p /certs/client && chmod 1777 /certs /certs/client
ENV DOCKER_TLS_CERTDIR=/certs
VOLUME /var/lib/docker
EXPOSE 2375 2376
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 CMD ["dindctl", "health"]
ENTRYPOINT ["dockerd-entrypoint.sh"]
CMD []
ARG VERSION
ARG REVISION=
ARG CREATED=
ARG SOURCE=
LABEL org.opencontainers.image.title="dockerd-entrypoint" \
      org.opencontainers.image.description="Docker-in-Docker with a static C entrypoint that gives up what it does not need" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}"

FROM ${DIND_ROOTLESS_IMAGE} AS dind-rootless
USER root
COPY --from=build /out/usr/local/bin/ /usr/local/bin/
# What docker:dind-rootless already has is left as it is.
RUN set -eu; \
    if ! command -v rootlesskit >/dev/null || ! command -v newuidmap >/dev/null; then \
        if command -v apk >/dev/null; then \
            apk add --no-cache rootlesskit slirp4netns fuse-overlayfs shadow-uidmap iproute2; \
        else \
            apt-get -q update; \
            DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends \
                rootlesskit slirp4netns fuse-overlayfs uidmap iproute2; \
            rm -rf /var/lib/apt/lists/*; \
        fi; \
    fi; \
    if ! id rootless >/dev/null 2>&1; then \
        if command -v useradd >/dev/null; then useradd -m -d /home/rootless -s /bin/sh -u 1000 rootless; \
        else adduser -h /home/rootless -g Rootless -D -u 1000 rootless; fi; \
    fi; \
    for file in /etc/subuid /etc/subgid; do \
        grep -qs '^rootless:' "$file" || echo 'rootless:100000:65536' >>"$file"; \
    done; \
    mkdir -p /run/user /home/rootless/.local/share/docker; \
    chmod 1777 /run/user; \
    chown -R rootless:rootless /home/rootless/.local; \
    mkdir -p /certs/client; \
    chmod 1777 /certs /certs/client
# A setuid-root newuidmap needs far more privilege around it than one with a file capability. The setuid bit goes first:
# with both, the kernel would still start it as root.
RUN set -eu; \
    if ! command -v setcap >/dev/null; then \
        if command -v apk >/dev/null; then apk add --no-cache libcap-setcap || apk add --no-cache libcap; \
        else apt-get -q update; \
            DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends libcap2-bin; \
            rm -rf /var/lib/apt/lists/*; \
        fi; \
    fi; \
    chmod u-s "$(command -v newuidmap)" "$(command -v newgidmap)"; \
    setcap cap_setuid=ep "$(command -v newuidmap)"; \
    setcap cap_setgid=ep "$(command -v newgidmap)"
ENV DOCKER_TLS_CERTDIR=/certs
VOLUME /home/rootless/.local/share/docker
EXPOSE 2375 2376
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 CMD ["dindctl", "health"]
ENTRYPOINT ["dockerd-entrypoint.sh"]
CMD []
ARG VERSION
ARG REVISION=
ARG CREATED=
ARG SOURCE=
LABEL org.opencontainers.image.title="dockerd-entrypoint (rootless)" \
      org.opencontainers.image.description="Rootless Docker-in-Docker with a static C entrypoint" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}"
USER rootless

# The last stage is what a plain `docker build .` makes.
FROM dind
