# The bridge as an image: docs/deploy/docker.md says how to run it. test/deploy/dockerfile.test.ts carries out every step of this file.
ARG NODE_VERSION=24.21.0

FROM node:${NODE_VERSION}-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json ./
COPY bin bin
COPY src src
RUN npm run build && npm prune --omit=dev
# So that `docker exec … twilio-segment-bridge status` finds the command.
RUN ln -s ../../bin/twilio-segment-bridge.mjs node_modules/.bin/twilio-segment-bridge
RUN mkdir -m 700 /data

FROM node:${NODE_VERSION}-slim
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/bin/here.mjs /app/bin/twilio-segment-bridge.mjs bin/
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
# A new volume takes over the owner and the mode of the folder that it covers.
COPY --from=build --chown=1000:1000 /data /data

# Two limits on glibc's memory; docs/deploy/node.md has the reason of these and of the flags below.
ENV MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=65536
ENV NODE_ENV=production DATA_DIR=/data PORT=8787 PATH=/app/node_modules/.bin:$PATH
# Where SQLite sorts what is too much for its memory: in a container whose root is read-only, /tmp is too.
ENV TMPDIR=/data

# The image's user `node`, by number: Kubernetes can then see that it is not root.
USER 1000:1000
VOLUME /data
EXPOSE 8787
STOPSIGNAL SIGTERM

HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]

# Without a shell, so that signals reach the bridge itself. It needs no tini: it handles SIGTERM and SIGINT as process 1, and
# leaves no orphans behind, for the only process that it ever starts is one that it waits for.
CMD ["node", "--max-semi-space-size=8", "--heap-growing-percent=150", "--no-allocation-site-pretenuring", "bin/twilio-segment-bridge.mjs", "serve"]
