# The agent; images/build.sh builds it, and says what it needs. Nothing is fetched but the base, by its digest: all else comes
# from the wheelhouse, each file by its hash. No step needs a network, so that images/build.sh gives them none.

# Debian's or another glibc's Python with pip and venv, as small as a site likes; what is in it is in the image.
ARG BASE_PYTHON
# agent, or agent-all with the further families of providers and keys in a hardware module.
ARG SET=agent

# ── the environment, with nothing in it that installs more ──
# checkov:skip=CKV_DOCKER_7:images/build.sh takes bases by digest alone
FROM ${BASE_PYTHON} AS install
ARG SET
WORKDIR /build
COPY wheelhouse/ wheelhouse/
COPY install.sh ./
RUN ./install.sh "${SET}"

# ── what runs ──
FROM ${BASE_PYTHON}
ARG REVISION=unknown
ARG SET
ARG VERSION=unknown
LABEL org.opencontainers.image.title="ringfence-agent" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.version="${VERSION}"
COPY --from=install /opt/ringfence/ /opt/ringfence/
COPY sbom/${SET}.cdx.json /usr/share/doc/ringfence/sbom.cdx.json
# The root is read-only: nothing is compiled on the way.
ENV PATH="/opt/ringfence/bin:${PATH}" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10002:10002
# Kubernetes asks over gRPC; nothing inside asks.
HEALTHCHECK NONE
ENTRYPOINT ["ringfence-agent"]
CMD ["--config", "/etc/ringfence/ringfence-agent.toml"]
