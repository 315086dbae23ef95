# The daemon with its engines, for processors or for NVIDIA GPUs; images/build.sh builds it, and says what it needs.
# Nothing is fetched but the bases, each by its digest: all else comes from the wheelhouse, each file by its hash.
# No step needs a network, so that images/build.sh gives them none.

# Debian's or another glibc's Python with pip and venv, as small as a site likes; what is in it is in the image.
ARG BASE_PYTHON
# The same with gcc, g++ and make, of the same release or an older one: what is compiled here runs there.
ARG BASE_COMPILER
# For NVIDIA GPUs: an image with CUDA's toolkit in /usr/local/cuda. Else the compiler's once more, and nothing is added.
ARG BASE_CUDA=${BASE_COMPILER}

# checkov:skip=CKV_DOCKER_7:images/build.sh takes bases by digest alone
FROM ${BASE_CUDA} AS cuda

# ── llama.cpp, compiled from the wheelhouse's source ──
FROM ${BASE_COMPILER} AS llama
# x86-64-v3, every server since 2015; -DGGML_NATIVE=ON would need the instructions of the machine that builds.
ARG CMAKE_ARGS="-DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_BMI2=ON"
COPY --from=cuda /usr/local/ /usr/local/
ENV PATH="/usr/local/cuda/bin:${PATH}"
WORKDIR /build
COPY wheelhouse/ wheelhouse/
COPY llama.sh ./
RUN ./llama.sh

# ── the environment, with nothing in it that installs more ──
FROM ${BASE_PYTHON} AS install
WORKDIR /build
COPY wheelhouse/ wheelhouse/
COPY --from=llama /build/llama/ llama/
COPY install.sh ./
RUN ./install.sh daemon
# The compiler's own libraries, and CUDA's: beside llama.cpp's, which look there first.
COPY --from=llama /build/libraries/ /opt/ringfence/libraries/
RUN mv /opt/ringfence/libraries/* /opt/ringfence/lib/python3*/site-packages/llama_cpp/lib/ && \
    rmdir /opt/ringfence/libraries

# ── what runs ──
FROM ${BASE_PYTHON}
ARG REVISION=unknown
ARG VERSION=unknown
LABEL org.opencontainers.image.title="ringfenced" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.version="${VERSION}"
COPY --from=install /opt/ringfence/ /opt/ringfence/
COPY sbom/daemon.cdx.json /usr/share/doc/ringfence/sbom.cdx.json
# The root is read-only: nothing is compiled on the way.
ENV PATH="/opt/ringfence/bin:${PATH}" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NVIDIA_VISIBLE_DEVICES=void
USER 10001:10001
# Kubernetes asks over gRPC; nothing inside asks.
HEALTHCHECK NONE
ENTRYPOINT ["ringfenced"]
CMD ["--config", "/etc/ringfence/ringfenced.toml"]
