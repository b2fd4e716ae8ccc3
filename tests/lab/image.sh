# shellcheck shell=bash
# Images: the base without a registry, and the product from the project's own Dockerfile.
# DOCKER is the name of a function that runs the docker client against the engine in question.

IMAGE_BASE=dind-lab-base
IMAGE=dockerd-entrypoint

# image_base DOCKER [NAME]: the debootstrapped root as an image.
image_base() {
    local docker=$1 name=${2:-$IMAGE_BASE} id
    id=$(cat "$ROOT.id")
    [[ $("$docker" image inspect -f '{{index .Config.Labels "root"}}' "$name" 2>/dev/null) != "$id" ]] || return 0
    step "importing the Debian $ROOT_SUITE root as the base image"
    tar -C "$ROOT" --one-file-system --numeric-owner -c . | "$docker" import --change "LABEL root=$id" \
        --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        --change 'CMD ["bash"]' - "$name" >"$LAB/import.log"
}

# image_build DOCKER TARGET BUILD_IMAGE DIND_IMAGE ROOTLESS_IMAGE [TAG]: makes $IMAGE:TAG, or $IMAGE:TARGET.
image_build() {
    local docker=$1 target=$2 tag=${6:-$2} name revision
    step "building the image $IMAGE:$tag from the Dockerfile"
    revision=$(git -C "$TOP" rev-parse --verify -q HEAD 2>/dev/null || true)
    local arguments=(--network host --target "$target" --tag "$IMAGE:$tag" --build-arg "BUILD_IMAGE=$3"
        --build-arg "DIND_IMAGE=$4" --build-arg "DIND_ROOTLESS_IMAGE=$5" --build-arg "REVISION=$revision")
    for name in http_proxy https_proxy no_proxy; do
        [[ -z ${!name:-} ]] || arguments+=(--build-arg "$name=${!name}")
    done
    quiet "$LAB/image-$tag.log" "$docker" build "${arguments[@]}" "$TOP"
}

# image_private TARGET: on the private engine, where everything is made of the debootstrapped root.
image_private() {
    image_base engine_docker
    image_build engine_docker "$1" "$IMAGE_BASE" "$IMAGE_BASE" "$IMAGE_BASE"
}

# image_suite TARGET: the same with the engine of the release that root_suite named, as $IMAGE:TARGET-SUITE. Our binary is
# static: the one that the private engine's root has built does.
image_suite() {
    image_base engine_docker "$IMAGE_BASE-$ROOT_SUITE"
    image_build engine_docker "$1" "$IMAGE_BASE" "$IMAGE_BASE-$ROOT_SUITE" "$IMAGE_BASE-$ROOT_SUITE" "$1-$ROOT_SUITE"
}
